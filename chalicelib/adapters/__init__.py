"""What talks to AWS, to files and to the libraries that sign and render. One module for each port."""
