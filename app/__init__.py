"""From sound to insight, in the order the signal takes."""

import os

for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")  # before numpy loads: on blocks this small threads cost more than they bring
