package dev.tenon.testkit;

import dev.tenon.api.ErrorCode;
import dev.tenon.spi.engine.EngineDriver;
import dev.tenon.spi.engine.EngineRequest;
import dev.tenon.spi.workload.Command;
import dev.tenon.spi.workload.InitialiseStep;
import dev.tenon.spi.workload.MemberWorkload;
import dev.tenon.spi.workload.Template;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What outlives the shared servers: the data of one that was stopped in order, packed into a file with its templates, from which the
 * next server of the same version and parameters starts. A file is whole or not there, and one that was damaged is not used.
 * Thread-safe.
 */
final class Seeds {
    private static final Logger log = LoggerFactory.getLogger(Seeds.class);
    private static final Duration TIMEOUT = Duration.ofMinutes(2);
    /** Each is one version and parameters; the oldest go. */
    private static final int MOST = 4;

    private static final String PACKED = ".tar";

    private final Path directory;
    private final Path tar;
    private final String programs;
    private final Map<String, Optional<Path>> found = new ConcurrentHashMap<>();

    private Seeds(Path directory, Path tar, String programs) {
        this.directory = directory;
        this.tar = tar;
        this.programs = programs;
    }

    /**
     * Opens those of a cache; empty if this machine cannot pack.
     *
     * @param programs names what makes the servers: other programs do not start from these files
     */
    static Optional<Seeds> in(Path cache, String programs) throws IOException {
        Path directory = cache.resolve("testkit");
        Files.createDirectories(directory);
        // The servers' own user must be able to pass through.
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
        return Stream.of("/usr/bin/tar", "/bin/tar")
                .map(Path::of)
                .filter(Files::isExecutable)
                .findFirst()
                .map(tar -> new Seeds(directory, tar, programs));
    }

    /** Returns an engine whose throw-away servers start from a seed where there is one. */
    EngineDriver around(EngineDriver engine) {
        return (EngineDriver) Proxy.newProxyInstance(
                EngineDriver.class.getClassLoader(),
                new Class<?>[] {EngineDriver.class},
                (proxy, method, arguments) -> {
                    try {
                        Object answer = method.invoke(engine, arguments);
                        return method.getName().equals("workloads")
                                ? seeded((EngineRequest) arguments[0], (List<?>) answer)
                                : answer;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private List<?> seeded(EngineRequest request, List<?> workloads) {
        Optional<Path> seed = find(request.version(), request.parameters());
        if (seed.isEmpty() || !request.ephemeral()) {
            return workloads;
        }
        MemberWorkload plain = (MemberWorkload) workloads.get(0);
        InitialiseStep first = plain.initialise().get(0);
        InitialiseStep unpack = new InitialiseStep(
                "unpack",
                Command.of(
                        TIMEOUT,
                        Template.text(tar.toString()),
                        Template.text("-x"),
                        Template.text("-f"),
                        Template.text(seed.get().toString()),
                        Template.text("-C"),
                        Template.of(new Template.DirectoryPath(first.directory()))),
                first.directory(),
                first.creates(),
                false);
        return List.of(
                MemberWorkload.builder().from(plain).initialise(List.of(unpack)).build());
    }

    private String key(String version, Map<String, String> parameters) {
        TemplateKey key = new TemplateKey().add(programs).add(version);
        new TreeMap<>(parameters).forEach((name, value) -> key.add(name).add(value));
        return key.text();
    }

    /** Answers the same for as long as this lives, so that a server's description does not change under it. */
    private Optional<Path> find(String version, Map<String, String> parameters) {
        return found.computeIfAbsent(key(version, parameters), key -> {
            try {
                for (Path file : files(key + "-*" + PACKED)) {
                    if (file.endsWith(name(key, file))) {
                        return Optional.of(file);
                    }
                    log.warn("{} is damaged and goes", file);
                    Files.delete(file);
                }
            } catch (IOException e) {
                log.warn("Templates of former runs cannot be read: {}", e.toString());
            }
            return Optional.empty();
        });
    }

    private static String name(String key, Path content) throws IOException {
        CRC32 sum = new CRC32();
        byte[] buffer = new byte[1 << 16];
        try (InputStream in = Files.newInputStream(content)) {
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                sum.update(buffer, 0, count);
            }
        }
        return key + "-" + Long.toHexString(sum.getValue()) + PACKED;
    }

    private List<Path> files(String pattern) throws IOException {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(directory, pattern)) {
            all.forEach(files::add);
        }
        return files;
    }

    /** Forgets a seed; returns whether there was one. */
    boolean discard(String version, Map<String, String> parameters) {
        String key = key(version, parameters);
        Optional<Path> seed = found.getOrDefault(key, Optional.empty());
        found.put(key, Optional.empty());
        try {
            for (Path file : files(key + "-*" + PACKED)) {
                Files.delete(file);
            }
        } catch (IOException e) {
            log.warn("Templates of former runs cannot be removed: {}", e.toString());
        }
        return seed.isPresent();
    }

    /** Packs the data of a server that was stopped in order. */
    void keep(String version, Map<String, String> parameters, Path data) throws IOException {
        String key = key(version, parameters);
        Path fresh = directory.resolve(key + ".new");
        Files.deleteIfExists(fresh);
        // It holds what a password is checked against.
        Files.createFile(fresh, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.setOwner(fresh, Files.getOwner(data));
        Shell.run(ErrorCode.PROVIDER_FAILED, tar.toString(), "-c", "-f", fresh.toString(), "-C", data.toString(), ".");
        try (FileChannel channel = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
        discard(version, parameters);
        Files.move(fresh, directory.resolve(name(key, fresh)), StandardCopyOption.ATOMIC_MOVE);
        List<Path> all = files("*");
        all.sort(Comparator.comparing(Seeds::age));
        for (Path old : all.subList(0, Math.max(0, all.size() - MOST))) {
            Files.delete(old);
        }
    }

    private static long age(Path file) {
        return file.toFile().lastModified();
    }
}
