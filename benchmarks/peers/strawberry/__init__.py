"""Plain Strawberry, as its tutorials write it."""
