from tests.row_files import write_rows as write_rows
