"""The types a skops file may hold without anyone being asked.

skops itself trusts scikit-learn's public estimators and the types of numpy. These are the further
ones that fitted scikit-learn models are made of. Each stands with the kind of record it may appear
in: an entry for a function allows to name it, never to call it while loading.
"""

from __future__ import annotations

import functools
import sys
from typing import Final

_SPLITTERS: Final = (
    "GroupKFold GroupShuffleSplit KFold LeaveOneGroupOut LeaveOneOut LeavePGroupsOut LeavePOut "
    "PredefinedSplit RepeatedKFold RepeatedStratifiedKFold ShuffleSplit StratifiedGroupKFold "
    "StratifiedKFold StratifiedShuffleSplit TimeSeriesSplit _CVIterableWrapper"
)
_KERNELS: Final = (
    "CompoundKernel ConstantKernel DotProduct ExpSineSquared Exponentiation Hyperparameter Matern "
    "PairwiseKernel Product RBF RationalQuadratic Sum WhiteKernel"
)
_DISTANCES: Final = (
    "BrayCurtis Canberra Chebyshev Dice Euclidean Hamming Haversine Jaccard Mahalanobis Manhattan "
    "Minkowski RogersTanimoto RussellRao SEuclidean SokalSneath"
)
_SCORES: Final = (
    "chi2 f_classif f_oneway f_regression r_regression",
    "mutual_info_classif mutual_info_regression",
)
_SCORERS: Final = "_CurveScorer _MultimetricScorer _PassthroughScorer _Scorer _ThresholdScorer"
_METADATA: Final = (
    "MetadataRequest MetadataRouter MethodMapping MethodMetadataRequest MethodPair "
    "RouterMappingPair"
)
_SPARSE: Final = ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")


def _names(prefix: str, names: str) -> list[str]:
    return [f"{prefix}.{name}" for name in names.split()]


#: Objects that are made empty and then given their attributes.
OBJECTS: Final = frozenset(
    [
        "scipy.interpolate._bsplines.BSpline",
        "sklearn._loss.loss.HalfTweedieLoss",
        "sklearn._loss.loss.HalfTweedieLossIdentity",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.calibration._TemperatureScaling",
        "sklearn.cluster._bisect_k_means._BisectingTree",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        "sklearn.impute._iterative.IterativeImputer",
        "sklearn.model_selection._search_successive_halving.HalvingGridSearchCV",
        "sklearn.model_selection._search_successive_halving.HalvingRandomSearchCV",
        "sklearn.multiclass._ConstantPredictor",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._ball_tree.BallTree64",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neighbors._kd_tree.KDTree64",
        *_names("sklearn.metrics._scorer", _SCORERS),
        *_names("sklearn.utils._metadata_requests", _METADATA),
        *_names("sklearn.neural_network._stochastic_optimizers", "AdamOptimizer SGDOptimizer"),
        *_names("sklearn.gaussian_process.kernels", _KERNELS),
        *_names("sklearn.model_selection._split", _SPLITTERS),
        *(
            f"sklearn.metrics._dist_metrics.{name}Distance{bits}"
            for name in _DISTANCES.split()
            for bits in ("", "64")
        ),
    ]
)

#: Functions that estimators keep a reference to.
FUNCTIONS: Final = frozenset(
    [
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        *_names("numpy", "amax amin average max mean median min ptp std sum var"),
        *_names("numpy", "asarray array zeros ones clip nan_to_num"),
        *_names("sklearn.cluster._kmeans", "_kmeans_single_elkan _kmeans_single_lloyd"),
        *_names("sklearn.feature_selection._univariate_selection", _SCORES[0]),
        *_names("sklearn.feature_selection._mutual_info", _SCORES[1]),
        "sklearn.utils.validation.check_array",
    ]
)

#: Everything by name, with the kinds of record (skops's node classes) it may stand in.
KINDS: Final[dict[str, frozenset[str]]] = {
    **{name: frozenset({"ObjectNode", "TypeNode"}) for name in OBJECTS},
    **{name: frozenset({"FunctionNode", "TypeNode"}) for name in FUNCTIONS},
    "sklearn.tree._tree.Tree": frozenset({"TreeNode", "TypeNode"}),
    "sklearn.impute._iterative._ImputerTriplet": frozenset({"TupleNode"}),
    "sklearn.utils._bunch.Bunch": frozenset({"DictNode"}),
    "sklearn.utils.Bunch": frozenset({"DictNode"}),
    "numpy.dtype": frozenset({"DTypeNode"}),
    # What it wraps is a record of its own, and needs trust of its own.
    "functools.partial": frozenset({"PartialNode", "TypeNode"}),
    **{
        f"scipy.sparse._{name}.{name}_{kind}": frozenset({"SparseMatrixNode"})
        for name in _SPARSE
        for kind in ("matrix", "array")
    },
}


@functools.cache
def scoring_functions() -> frozenset[str]:
    """The functions behind scikit-learn's named scorers, which searches keep."""
    if "sklearn" not in sys.modules:
        return frozenset()
    from sklearn.metrics import get_scorer, get_scorer_names

    functions = (get_scorer(name)._score_func for name in get_scorer_names())  # noqa: SLF001 - public as an attribute of none
    return frozenset(f"{function.__module__}.{function.__qualname__}" for function in functions)
