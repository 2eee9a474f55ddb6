"""Reading what runs and models stored: list, download, load."""

from chiplog.core.artifacts.loading import (
    download_artifacts,
    list_artifacts,
    load_dict,
    load_image,
    load_text,
)

__all__ = ["download_artifacts", "list_artifacts", "load_dict", "load_image", "load_text"]
