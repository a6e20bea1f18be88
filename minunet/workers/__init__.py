"""Work on many items shared out over processes of this machine, the ranks of MPI, or the workers of a Dask cluster."""
