package dev.tenon.baremetal;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What a process prints, in a file that never grows beyond its cap for long. */
final class MemberLog {
    /** Above this, everything but the end is let go. */
    static final long CAP = 8L << 20;

    private static final int KEEP = 1 << 20;
    private static final int READ = 2 << 20;

    private MemberLog() {}

    /** Returns the last lines of the files, oldest file first. */
    static List<String> tail(List<Path> files, int lines) throws IOException {
        List<String> found = new ArrayList<>();
        for (Path file : files) {
            if (Files.isRegularFile(file, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
                found.addAll(Arrays.asList(end(file, READ).split("\n")));
            }
        }
        found.removeIf(String::isBlank);
        return List.copyOf(found.subList(Math.max(0, found.size() - lines), found.size()));
    }

    private static String end(Path file, int bytes) throws IOException {
        try (RandomAccessFile in = new RandomAccessFile(file.toFile(), "r")) {
            long from = Math.max(0, in.length() - bytes);
            in.seek(from);
            byte[] content = new byte[(int) Math.min(bytes, in.length() - from)];
            in.readFully(content);
            return new String(content, StandardCharsets.UTF_8);
        }
    }

    /**
     * Shortens a file that has grown too long; the processes append, so that they go on at its new end. What they print between
     * the reading and the cutting is lost, which a log beyond its cap must bear.
     */
    static void cap(Path file) throws IOException {
        if (!Files.exists(file) || Files.size(file) <= CAP) {
            return;
        }
        byte[] kept = end(file, KEEP).getBytes(StandardCharsets.UTF_8);
        Path earlier = file.resolveSibling(file.getFileName() + ".1");
        Path fresh = file.resolveSibling(file.getFileName() + ".1.new");
        Files.deleteIfExists(fresh);
        try (FileChannel out = FileChannel.open(
                fresh, java.util.Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), Disk.mode(0600))) {
            out.write(ByteBuffer.wrap(kept));
        }
        Files.move(fresh, earlier, StandardCopyOption.ATOMIC_MOVE);
        try (FileChannel log = FileChannel.open(file, StandardOpenOption.WRITE)) {
            log.truncate(0);
        }
    }
}
