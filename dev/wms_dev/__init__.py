"""Development: embedded services, the simulator and the demo."""
