"""What we measure ourselves and others with: each benchmark is a package of its own."""
