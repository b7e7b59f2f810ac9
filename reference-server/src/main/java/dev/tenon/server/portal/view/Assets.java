package dev.tenon.server.portal.view;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.GZIPOutputStream;

/**
 * Style sheet, scripts and pictures, each under an address that holds its content's hash, so that browsers may keep it for ever.
 * Thread-safe.
 */
public final class Assets {
    /** Where assets are served. */
    public static final String ROOT = "/assets";

    private static final String HTMX_POM = "/META-INF/maven/org.webjars.npm/htmx.org/pom.properties";
    private static final Map<String, String> TYPES = Map.of(
            "portal.css", "text/css; charset=utf-8",
            "portal.js", "text/javascript; charset=utf-8",
            "htmx.min.js", "text/javascript; charset=utf-8",
            "icons.svg", "image/svg+xml",
            "favicon.svg", "image/svg+xml");
    private static final Map<String, Asset> LOADED = new ConcurrentHashMap<>();

    /**
     * One file.
     *
     * @param type its media type
     * @param fingerprint of its content
     * @param plain its content
     * @param gzip the same, compressed
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared, never changed
    public record Asset(String type, String fingerprint, byte[] plain, byte[] gzip) {}

    private Assets() {}

    /** Returns the address of a file that must exist. */
    public static String url(String name) {
        Asset asset = find(name).orElseThrow(() -> new IllegalArgumentException("no asset " + name));
        return ROOT + "/" + asset.fingerprint() + "/" + name;
    }

    /** Finds a file by its name. */
    public static Optional<Asset> find(String name) {
        return TYPES.containsKey(name) ? Optional.of(LOADED.computeIfAbsent(name, Assets::load)) : Optional.empty();
    }

    private static Asset load(String name) {
        try {
            byte[] content = name.equals("htmx.min.js")
                    ? read("/META-INF/resources/webjars/htmx.org/" + htmxVersion() + "/dist/htmx.min.js")
                    : read("/dev/tenon/server/portal/assets/" + name);
            ByteArrayOutputStream compressed = new ByteArrayOutputStream();
            try (GZIPOutputStream gzip = new GZIPOutputStream(compressed)) {
                gzip.write(content);
            }
            String hash = HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(content), 0, 8);
            return new Asset(TYPES.getOrDefault(name, ""), hash, content, compressed.toByteArray());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the portal's " + name, e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private static String htmxVersion() throws IOException {
        Properties pom = new Properties();
        pom.load(new java.io.StringReader(new String(read(HTMX_POM), StandardCharsets.UTF_8)));
        return pom.getProperty("version", "");
    }

    private static byte[] read(String path) throws IOException {
        try (InputStream in = Assets.class.getResourceAsStream(path)) {
            if (in == null) {
                throw new IOException("not on the class path: " + path);
            }
            return in.readAllBytes();
        }
    }
}
