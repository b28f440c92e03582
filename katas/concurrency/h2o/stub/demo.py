"""Play with it: `python demo.py`."""

import threading

from solution import H2O

water = H2O()
for atom in "OHHHHO":
    method = water.oxygen if atom == "O" else water.hydrogen
    threading.Thread(target=method, args=(lambda atom=atom: print(atom, end=""),)).start()
