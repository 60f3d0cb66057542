"""A form's page, and the pages of whoever sent one."""
