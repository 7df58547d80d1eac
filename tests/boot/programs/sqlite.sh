# A database made in the guest: queries compared with the host's, and the file itself read by the host afterwards.
sqlite3 made.db <sqlite.sql
sync
