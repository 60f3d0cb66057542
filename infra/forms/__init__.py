"""What form and workflow files may mean, checked by name and place; and a form in words."""
