"""The cases themselves, a module for each family; each has `cases()`."""
