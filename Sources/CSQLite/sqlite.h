// SQLite from the system's development package, linked statically by the Datastore target.
#include <sqlite3.h>
