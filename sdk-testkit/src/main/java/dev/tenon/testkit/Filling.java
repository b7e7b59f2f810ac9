package dev.tenon.testkit;

import dev.tenon.api.ErrorCode;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.ProviderException;
import java.io.IOException;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;

/** How a database gets its content, and the key that names this content: the hash of everything that makes it. */
final class Filling {
    private static final String CLASSPATH = "classpath:";
    private static final String FILESYSTEM = "filesystem:";
    private static final String SCRIPT = ".sql";

    private final String key;
    private final List<String> directories;
    private final List<byte[]> scripts;
    private final Optional<DatabaseTemplate> template;

    private Filling(String key, List<String> directories, List<byte[]> scripts, Optional<DatabaseTemplate> template) {
        this.key = key;
        this.directories = directories;
        this.scripts = scripts;
        this.template = template;
    }

    /**
     * Reads all that fills the database.
     *
     * @throws InvalidSpecException {@code SPEC_INVALID} if a place of migrations holds nothing
     */
    static Filling of(DatabaseSpec spec) {
        if (spec.migrations().isEmpty() && spec.template().isEmpty()) {
            return new Filling(TemplateKey.EMPTY, List.of(), List.of(), Optional.empty());
        }
        TemplateKey key = new TemplateKey().add(Flyway.class.getPackage().getImplementationVersion() + "");
        List<String> directories = new ArrayList<>();
        List<byte[]> scripts = new ArrayList<>();
        try {
            for (String place : spec.migrations()) {
                String location =
                        place.startsWith(CLASSPATH) || place.startsWith(FILESYSTEM) ? place : CLASSPATH + place;
                Map<String, byte[]> files = location.startsWith(CLASSPATH)
                        ? onClassPath(location.substring(CLASSPATH.length()))
                        : below(Path.of(location.substring(FILESYSTEM.length())));
                if (files.isEmpty()) {
                    throw new InvalidSpecException("migrations", location + " holds no file");
                }
                key.add(location);
                files.forEach((name, content) -> key.add(name).add(content));
                if (location.endsWith(SCRIPT)) {
                    scripts.addAll(files.values());
                } else {
                    directories.add(location);
                }
            }
        } catch (IOException e) {
            throw new ProviderException(ErrorCode.PROVIDER_FAILED, "the migrations cannot be read: " + e, e);
        }
        spec.template().ifPresent(filler -> key.add(filler.getClass().getName()).add(filler.key()));
        return new Filling(key.text(), directories, scripts, spec.template());
    }

    String key() {
        return key;
    }

    /** Fills the empty database at the address. */
    void fill(Lease.Address address) {
        DataSource database = Connections.source(address);
        try {
            if (!directories.isEmpty()) {
                Flyway.configure(loader())
                        .dataSource(database)
                        .locations(directories.toArray(String[]::new))
                        .load()
                        .migrate();
            }
            for (byte[] script : scripts) {
                try (Connection connection = database.getConnection();
                        Statement statement = connection.createStatement()) {
                    statement.execute(new String(script, StandardCharsets.UTF_8));
                }
            }
            if (template.isPresent()) {
                template.get().fill(database);
            }
        } catch (SQLException | FlywayException e) {
            throw Connections.failed("fill the template", e);
        }
    }

    private static ClassLoader loader() {
        ClassLoader context = Thread.currentThread().getContextClassLoader();
        return context != null ? context : Filling.class.getClassLoader();
    }

    private static Map<String, byte[]> onClassPath(String name) throws IOException {
        String path = name.startsWith("/") ? name.substring(1) : name;
        Map<String, byte[]> files = new TreeMap<>();
        for (URL url : Collections.list(loader().getResources(path))) {
            if (url.openConnection() instanceof JarURLConnection jar) {
                jar.setUseCaches(false);
                try (JarFile opened = jar.getJarFile()) {
                    inJar(opened, path, files);
                }
            } else {
                files.putAll(below(path(url)));
            }
        }
        return files;
    }

    private static Path path(URL url) {
        try {
            return Path.of(url.toURI());
        } catch (URISyntaxException e) {
            throw new InvalidSpecException("migrations", url + " is not a path");
        }
    }

    private static void inJar(JarFile jar, String path, Map<String, byte[]> files) throws IOException {
        for (JarEntry entry : Collections.list(jar.entries())) {
            boolean inside = entry.getName().equals(path) || entry.getName().startsWith(path + "/");
            if (inside && !entry.isDirectory()) {
                try (var content = jar.getInputStream(entry)) {
                    files.put(entry.getName().substring(path.length()), content.readAllBytes());
                }
            }
        }
    }

    private static Map<String, byte[]> below(Path root) throws IOException {
        Map<String, byte[]> files = new TreeMap<>();
        if (!Files.exists(root)) {
            return files;
        }
        try (Stream<Path> tree = Files.walk(root)) {
            for (Path file : (Iterable<Path>) tree.filter(Files::isRegularFile)::iterator) {
                files.put(root.relativize(file).toString(), Files.readAllBytes(file));
            }
        }
        return files;
    }
}
