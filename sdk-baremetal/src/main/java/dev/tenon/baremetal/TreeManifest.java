package dev.tenon.baremetal;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.zip.CRC32C;

/**
 * What a directory must hold to be whole: every directory, file and link in it, parents before children.
 *
 * @param hashing how contents are hashed
 * @param entries in order
 */
record TreeManifest(Hashing hashing, List<Entry> entries) {
    /** How contents are hashed. */
    enum Hashing {
        /** What programs had that were unpacked before; whoever could change them could change this, too. */
        SHA256 {
            @Override
            String of(InputStream in) throws IOException {
                MessageDigest digest = sha256();
                byte[] buffer = new byte[64 << 10];
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    digest.update(buffer, 0, n);
                }
                return HexFormat.of().formatHex(digest.digest());
            }
        },
        /** Against decay, at the speed of memory. */
        CRC32C {
            @Override
            String of(InputStream in) throws IOException {
                CRC32C crc = new CRC32C();
                byte[] buffer = new byte[64 << 10];
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    crc.update(buffer, 0, n);
                }
                return Long.toHexString(crc.getValue());
            }
        };

        abstract String of(InputStream in) throws IOException;
    }

    /** One name below the root; {@code hash} is a link's target for links. */
    record Entry(Kind kind, String path, int mode, long size, String hash) {}

    /** What a name stands for. */
    enum Kind {
        DIRECTORY,
        FILE,
        LINK
    }

    /** Copies the list. */
    TreeManifest {
        entries = List.copyOf(entries);
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /** Reads what is below a directory. */
    static TreeManifest of(Path root, Hashing hashing) throws IOException {
        List<Entry> entries = new ArrayList<>();
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) throws IOException {
                if (!dir.equals(root)) {
                    entries.add(new Entry(Kind.DIRECTORY, root.relativize(dir).toString(), mode(dir), 0, "-"));
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                String path = root.relativize(file).toString();
                if (attributes.isSymbolicLink()) {
                    entries.add(new Entry(
                            Kind.LINK,
                            path,
                            0777,
                            0,
                            Files.readSymbolicLink(file).toString()));
                } else {
                    try (InputStream in = Files.newInputStream(file)) {
                        entries.add(new Entry(Kind.FILE, path, mode(file), attributes.size(), hashing.of(in)));
                    }
                }
                return FileVisitResult.CONTINUE;
            }
        });
        return new TreeManifest(hashing, entries);
    }

    private static int mode(Path path) throws IOException {
        return (Integer) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS) & 0777;
    }

    /** Returns the text form; its last line says that nothing is missing from it. */
    String text() {
        StringBuilder out = new StringBuilder("tenon-manifest 1 " + hashing + "\n");
        for (Entry e : entries) {
            out.append(e.kind())
                    .append('\t')
                    .append(e.mode())
                    .append('\t')
                    .append(e.size())
                    .append('\t')
                    .append(e.hash())
                    .append('\t')
                    .append(e.path())
                    .append('\n');
        }
        return out.append("end ").append(entries.size()).append('\n').toString();
    }

    /** Reads the text form; empty if it is damaged. */
    static Optional<TreeManifest> parse(String text) {
        String[] lines = text.split("\n");
        if (lines.length < 2
                || !lines[0].startsWith("tenon-manifest 1 ")
                || !lines[lines.length - 1].equals("end " + (lines.length - 2))) {
            return Optional.empty();
        }
        try {
            Hashing hashing = Hashing.valueOf(lines[0].substring("tenon-manifest 1 ".length()));
            List<Entry> entries = new ArrayList<>(lines.length);
            for (int i = 1; i < lines.length - 1; i++) {
                String[] f = lines[i].split("\t", 5);
                entries.add(new Entry(Kind.valueOf(f[0]), f[4], Integer.parseInt(f[1]), Long.parseLong(f[2]), f[3]));
            }
            return Optional.of(new TreeManifest(hashing, entries));
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
            return Optional.empty();
        }
    }

    static Optional<TreeManifest> read(Path file) throws IOException {
        try {
            return parse(Files.readString(file, StandardCharsets.UTF_8));
        } catch (java.nio.file.NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Returns the first name that is missing or has another size; quick, contents are not read. */
    Optional<String> firstWrongSize(Path root, Predicate<Entry> which) {
        for (Entry e : entries) {
            if (e.kind() == Kind.FILE && which.test(e)) {
                try {
                    long size = Files.size(root.resolve(e.path()));
                    if (size != e.size()) {
                        return Optional.of(e.path() + " has " + size + " bytes, expected " + e.size());
                    }
                } catch (IOException x) {
                    return Optional.of(e.path() + " cannot be read");
                }
            }
        }
        return Optional.empty();
    }

    /** Returns the first name whose content is not what it was. */
    Optional<String> firstWrongContent(Path root) {
        for (Entry e : entries) {
            if (e.kind() == Kind.FILE) {
                try (InputStream in = Files.newInputStream(root.resolve(e.path()))) {
                    if (!hashing.of(in).equals(e.hash())) {
                        return Optional.of(e.path() + " has another content than when it was made");
                    }
                } catch (IOException x) {
                    return Optional.of(e.path() + " cannot be read");
                }
            }
        }
        return Optional.empty();
    }
}
