"""What is read from the files that are packaged with the code."""
