"""Development tools: embedded services, local stack, simulator, demo, generators and checks."""
