package dev.tenon.k8s;

import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.FileSpec.OnChange;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The member's file contents, on their way through a ConfigMap and a Secret. Keys are numbers: paths have other characters. */
final class PodFiles {
    static final String PLAIN_MOUNT = "/tenon-files/plain";
    static final String SECRET_MOUNT = "/tenon-files/secret";

    private final Holes holes;
    private final Map<String, String> plain = new TreeMap<>();
    private final Map<String, String> secret = new TreeMap<>();

    PodFiles(Holes holes) {
        this.holes = holes;
    }

    Map<String, String> plain() {
        return plain;
    }

    /** Returns contents in base64, as a Secret's {@code data} wants them. */
    Map<String, String> secret() {
        return secret;
    }

    /** Returns source, target and mode of each file. */
    List<String> triples(List<FileSpec> files) {
        List<String> triples = new ArrayList<>();
        for (FileSpec file : files) {
            triples.add(source(holes.fill(file.content()), file.secret()));
            triples.add(target(file));
            triples.add(String.format("%04o", file.mode()));
        }
        return triples;
    }

    /** Returns the path in a container from which this text can be read. */
    String source(String content, boolean hidden) {
        Map<String, String> map = hidden ? secret : plain;
        String key = String.format("file-%03d", map.size());
        map.put(key, hidden ? Base64.getEncoder().encodeToString(content.getBytes(StandardCharsets.UTF_8)) : content);
        return (hidden ? SECRET_MOUNT : PLAIN_MOUNT) + "/" + key;
    }

    /** Returns a digest of everything that only a restart makes visible. */
    String restartDigest(List<FileSpec> files) {
        MessageDigest digest = sha256();
        for (FileSpec file : files) {
            if (file.onChange() == OnChange.RESTART) {
                digest.update(
                        (target(file) + "\0" + holes.fill(file.content()) + "\0").getBytes(StandardCharsets.UTF_8));
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static String target(FileSpec file) {
        return Holes.directoryPath(file.directory()) + "/" + file.path();
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
