package dev.tenon.baremetal;

import dev.tenon.api.ErrorCode;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
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

    Ports(Path claims, int first, int last) {
        this.claims = claims;
        this.first = first;
        this.last = last;
    }

    /**
     * Claims a number, or finds the one that an interrupted call claimed for the same port. Whether another program listens on it is
     * not asked: the kernel would walk all its sockets to answer, and the answer could be wrong a moment later.
     *
     * @param home directory of the member; exists
     * @param name the port's name within the member
     * @throws dev.tenon.api.ProviderException {@code CAPACITY_EXCEEDED} if every number is taken
     */
    int claim(Path home, String name) {
        try {
            Disk.makeDirectories(claims, 0711);
            // Linked into place with its content, so that no claim is ever seen half written.
            Path mine = claims.resolve("new-" + ProcessHandle.current().pid() + "-" + COUNTER.incrementAndGet());
            String text = text(home, name);
            Files.writeString(mine, text);
            try {
                int count = last - first + 1;
                int seed = text.hashCode();
                for (int i = 0; i < count; i++) {
                    int port = first + Math.floorMod(seed + i, count);
                    if (take(port, mine, text)) {
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

    private boolean take(int port, Path mine, String text) throws IOException {
        Path claim = claims.resolve(Integer.toString(port));
        if (link(claim, mine)) {
            return true;
        }
        Optional<String> owner = read(claim);
        if (owner.isPresent() && !stale(owner.get())) {
            return owner.get().equals(text);
        }
        try (MachineLock lock = MachineLock.take(claims.resolve("lock"))) {
            // Another process may have taken it over while we waited.
            if (read(claim).filter(Ports::stale).isPresent()) {
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

    private static String text(Path home, String name) {
        return home + "\n" + name;
    }

    private static Optional<String> read(Path claim) throws IOException {
        try {
            return Optional.of(Files.readString(claim));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private static boolean stale(String text) {
        return Files.notExists(Path.of(text.substring(0, Math.max(0, text.indexOf('\n')))));
    }

    /** Gives a number back if it is this member's. */
    void release(int port, Path home) {
        Path claim = claims.resolve(Integer.toString(port));
        try {
            if (read(claim).filter(text -> text.startsWith(home + "\n")).isPresent()) {
                Files.deleteIfExists(claim);
            }
        } catch (IOException e) {
            throw Failures.io("giving back port " + port, e);
        }
    }
}
