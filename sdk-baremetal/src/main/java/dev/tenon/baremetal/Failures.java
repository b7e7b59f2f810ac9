package dev.tenon.baremetal;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.ProviderException;
import dev.tenon.spi.workload.MemberRef;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.util.Locale;
import java.util.Objects;

/** Turns what the machine says into codes that callers branch on. */
final class Failures {
    private Failures() {}

    static ProviderException of(ErrorCode code, String message) {
        return new ProviderException(code, message);
    }

    /** Wraps a failed file operation: a full disk and a foreign owner have codes of their own. */
    static ProviderException io(String what, IOException e) {
        String reason = words(e);
        if (saysDiskFull(reason)) {
            return new ProviderException(
                    ErrorCode.DISK_FULL, what + ": " + reason + ". Free some space or move the directory.", e);
        }
        if (e instanceof AccessDeniedException denied) {
            return new ProviderException(
                    ErrorCode.WRONG_OWNER,
                    what + ": permission denied on " + denied.getFile() + ". Give it back to the user of this process.",
                    e);
        }
        return new ProviderException(ErrorCode.PROVIDER_FAILED, what + ": " + reason, e);
    }

    static ProviderException io(String what, UncheckedIOException e) {
        return io(what, Objects.requireNonNull(e.getCause()));
    }

    /** Some say nothing but which file they are about. */
    private static String words(IOException e) {
        return e instanceof FileSystemException file && file.getReason() == null || e.getMessage() == null
                ? e.getClass().getSimpleName() + " " + e.getMessage()
                : e.getMessage();
    }

    static ProviderException runs(MemberRef ref) {
        return of(
                ErrorCode.UNSUPPORTED,
                "the limits of " + ref + " cannot change here while it runs; stop it, or restart it with the change");
    }

    static ProviderException interrupted() {
        Thread.currentThread().interrupt();
        return new ProviderException(ErrorCode.PROVIDER_UNAVAILABLE, "interrupted; the outcome is not known");
    }

    /** Returns whether a program's or the kernel's words mean that there is no room. */
    static boolean saysDiskFull(String words) {
        String lower = words.toLowerCase(Locale.ROOT);
        return lower.contains("no space left on device") || lower.contains("disk quota exceeded");
    }
}
