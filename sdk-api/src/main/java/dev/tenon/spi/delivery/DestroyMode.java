package dev.tenon.spi.delivery;

/** What is left of a destroyed member. */
public enum DestroyMode {
    /** Processes and limits go; directories, files and port numbers stay. */
    KEEP_DATA,
    /** Nothing stays. */
    EVERYTHING
}
