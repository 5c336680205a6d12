"""What is billed and delivered: shared by what people do and what the system does by itself."""
