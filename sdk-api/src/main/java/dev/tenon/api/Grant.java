package dev.tenon.api;

/** What an account may do in the instance's databases. */
public enum Grant {
    /** Read all tables. */
    READ,
    /** Read and change all tables. */
    WRITE,
    /** Create, change and drop objects in the databases. */
    DDL,
    /** Create databases. */
    CREATE_DATABASE,
    /** Create and manage other accounts. */
    CREATE_ACCOUNT
}
