"""Names: what conda calls a package, and what that is where no conda is.

Data only. A conda package that is in none of these tables has the same name on the Python package index; most do.
Source: the packages' own pages on conda-forge and the index (2026-11). Reading a conda file is `conda`'s.
"""

OTHERWISE_NAMED = {
    "dask-core": "dask",
    "faiss": "faiss-cpu",
    "importlib_metadata": "importlib-metadata",
    "lightgbm-cpu": "lightgbm",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "numpy-base": "numpy",
    "opencv": "opencv-python-headless",
    "polars-lts-cpu": "polars-lts-cpu",
    "psycopg2": "psycopg2-binary",
    "py-lightgbm": "lightgbm",
    "py-opencv": "opencv-python-headless",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost",
    "pyarrow-core": "pyarrow",
    "pytables": "tables",
    "python-graphviz": "graphviz",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "pytorch-lightning": "pytorch-lightning",
    "ray-core": "ray",
    "ray-default": "ray[default]",
    "seaborn-base": "seaborn",
    "tensorflow-base": "tensorflow",
    "tensorflow-cpu": "tensorflow",
    "tensorflow-gpu": "tensorflow",
    "uvicorn-standard": "uvicorn[standard]",
}
"""Conda name → name on the index."""

COMES_WITH_WHEELS = frozenset(
    {
        "_libgcc_mutex", "_openmp_mutex", "binutils", "blas", "bzip2", "ca-certificates", "cmake", "conda", "cpuonly",
        "cuda", "cuda-cudart", "cuda-libraries", "cuda-nvtx", "cuda-runtime", "cuda-toolkit", "cuda-version",
        "cudatoolkit", "cudatoolkit-dev", "cudnn", "curl", "cxx-compiler", "c-compiler", "compilers", "expat", "gcc",
        "gcc_linux-64", "gfortran", "git", "gxx", "gxx_linux-64", "icu", "intel-openmp", "ld_impl_linux-64",
        "libblas", "libcblas", "libcxx", "libffi", "libgcc", "libgcc-ng", "libgfortran", "libgfortran-ng", "libgomp",
        "liblapack", "libopenblas", "libstdcxx", "libstdcxx-ng", "libuuid", "libxml2", "libzlib", "llvm-openmp",
        "lz4-c", "make", "mkl", "mkl-service", "mkl_fft", "mkl_random", "nccl", "ncurses", "ninja", "nomkl",
        "openblas", "openssl", "python_abi", "pytorch-cuda", "pytorch-mutex", "readline", "sqlite", "swig",
        "tbb", "tk", "xz", "zlib", "zstd",
    }
)  # fmt: skip
"""Compilers, system and numeric libraries, GPU runtimes: wheels bring what they need; left out, with a note."""

NOT_HERE = {
    "cudf": "needs a GPU and conda",
    "cuml": "needs a GPU and conda",
    "cupy": "needs a GPU: use the pip package of your CUDA version, such as cupy-cuda12x",
    "faiss-gpu": "needs a GPU and conda: for a local run write faiss-cpu under pip",
    "ffmpeg": "is a program, not a Python package: install it on this machine, or use imageio-ffmpeg under pip",
    "gdal": "is a system library: use rasterio or pyogrio under pip, whose wheels contain it",
    "graphviz": "is a program, not a Python package: install it on this machine; the binding is python-graphviz",
    "jaxlib-cuda": "needs a GPU: write jax under pip",
    "nodejs": "is a program, not a Python package: install it on this machine",
    "openjdk": "is a program, not a Python package: install Java on this machine, or write install-jdk under pip",
    "openmpi": "is a system library: install it on this machine, and mpi4py under pip",
    "perl": "is a program, not a Python package",
    "r-base": "is R: only Python scoring runs locally",
    "rapids": "needs a GPU and conda",
}
"""What no wheel replaces, and what to do instead."""
