"""Side by side with the peers: every speed and size that chiplog promises, measured."""
