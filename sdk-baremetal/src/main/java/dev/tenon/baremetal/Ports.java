package dev.tenon.baremetal;

import dev.tenon.api.ErrorCode;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Hands out port numbers, each to one member until it is destroyed. A number is claimed by making a file that nobody else can
 * make at the same time; the file names the member's directory, and a claim whose directory is gone is stale. Nothing is ever
 * bound to find out whether a number is free: the server binds it, or its start fails and another number is claimed.
 */
final class Ports {
    private static final AtomicLong COUNTER = new AtomicLong();

    private final Path claims;
    private final int first;
    private final int last;
    private final ProcFs proc;

    Ports(Path claims, int first, int last, ProcFs proc) {
        this.claims = claims;
        this.first = first;
        this.last = last;
        this.proc = proc;
    }

    /**
     * Claims a number.
     *
     * @param home directory of the member; exists
     * @param seed where to start looking, so that members seldom meet
     * @throws dev.tenon.api.ProviderException {@code CAPACITY_EXCEEDED} if every number is taken
     */
    int claim(Path home, int seed) {
        try {
            Disk.makeDirectories(claims, 0711);
            Set<Integer> listening = new HashSet<>();
            proc.listeners().forEach(l -> listening.add(l.port()));
            // Linked into place with its content, so that no claim is ever seen half written.
            Path mine = claims.resolve("new-" + ProcessHandle.current().pid() + "-" + COUNTER.incrementAndGet());
            Files.writeString(mine, home.toString());
            try {
                int count = last - first + 1;
                for (int i = 0; i < count; i++) {
                    int port = first + Math.floorMod(seed + i, count);
                    if (!listening.contains(port) && take(port, mine)) {
                        return port;
                    }
                }
            } finally {
                Files.deleteIfExists(mine);
            }
        } catch (IOException e) {
            throw Failures.io("claiming a port in " + claims, e);
        }
        throw Failures.of(
                ErrorCode.CAPACITY_EXCEEDED,
                "every port from " + first + " to " + last + " is taken; widen the range or destroy members");
    }

    private boolean take(int port, Path mine) throws IOException {
        Path claim = claims.resolve(Integer.toString(port));
        if (link(claim, mine)) {
            return true;
        }
        if (!stale(claim)) {
            return false;
        }
        try (MachineLock lock = MachineLock.take(claims.resolve("lock"))) {
            // Another process may have taken it over while we waited.
            if (stale(claim)) {
                Files.deleteIfExists(claim);
            }
            return link(claim, mine);
        }
    }

    private static boolean link(Path claim, Path mine) throws IOException {
        try {
            Files.createLink(claim, mine);
            return true;
        } catch (FileAlreadyExistsException e) {
            return false;
        }
    }

    private static boolean stale(Path claim) throws IOException {
        try {
            return Files.notExists(Path.of(Files.readString(claim)));
        } catch (NoSuchFileException e) {
            return true;
        }
    }

    /** Gives a number back if it is this member's. */
    void release(int port, Path home) {
        Path claim = claims.resolve(Integer.toString(port));
        try {
            if (Files.exists(claim) && Files.readString(claim).equals(home.toString())) {
                Files.deleteIfExists(claim);
            }
        } catch (NoSuchFileException e) {
            // Somebody found it stale and took it over; then it is no longer ours to give back.
            return;
        } catch (IOException e) {
            throw Failures.io("giving back port " + port, e);
        }
    }
}
