package dev.tenon.spi.workload;

/**
 * A file that the control plane owns: written atomically, before the processes start, with its mode and the run-as user as
 * owner. Secret files never appear in logs or listings.
 *
 * @param directory the {@link Directory#name()} it lies in
 * @param path relative path below it, no {@code ..}
 * @param content the whole content, UTF-8
 * @param mode permission bits, such as {@code 0600}
 * @param secret whether the content is secret
 * @param onChange what makes running processes see a new content
 */
public record FileSpec(String directory, String path, Template content, int mode, boolean secret, OnChange onChange) {
    /** What makes running processes see a new content. */
    public enum OnChange {
        /** Nothing is needed. */
        NOTHING,
        /** The main process is told to reload. */
        RELOAD,
        /** Only a restart helps; the delivery reports it and waits to be told. */
        RESTART
    }

    @Override
    public String toString() {
        return "FileSpec[" + directory + "/" + path + ", mode=" + Integer.toOctalString(mode) + ", "
                + (secret ? "***" : content) + ", " + onChange + "]";
    }
}
