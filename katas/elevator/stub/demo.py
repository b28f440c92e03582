"""Play with your elevator: `python demo.py`. In which order are the floors served?"""

from solution import Elevator

elevator = Elevator(6)
for floor in (4, 1, 5):
    elevator.call(floor)
for _ in range(8):
    floor, opened = elevator.step()[0]
    print(f"floor {floor} {'opens' if opened else ''}")
