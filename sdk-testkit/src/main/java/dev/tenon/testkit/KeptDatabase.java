package dev.tenon.testkit;

/** Stands with the failure of a test and says where its database is. */
final class KeptDatabase extends Exception {
    private static final long serialVersionUID = 1L;

    KeptDatabase(String where) {
        super("the test's database is " + where, null, false, false);
    }
}
