"""What cells of tables draw."""
