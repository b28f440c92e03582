"""Play with your lot: `python demo.py`. Who gets in?"""

from solution import Lot

lot = Lot(capacity={"car": 2, "bike": 1})
for size in ("car", "bike", "car", "car", "bike"):
    print(f"{size:5} {'comes in' if lot.take(size) else 'is sent away'}; {lot.free(size)} left")
