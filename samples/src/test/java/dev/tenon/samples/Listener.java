package dev.tenon.samples;

import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Properties;
import java.util.stream.Stream;

/** A server that only listens, under the names of the simulated engine's programs. */
final class Listener {
    private Listener() {}

    /** Makes the programs below a directory and returns it. */
    static Path install(Path directory) {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        try {
            Path programs = Files.createDirectories(directory.resolve("bin"));
            program(programs.resolve("simdb-init"), "touch \"$1/VERSION\"");
            // A reload must not end it.
            program(
                    programs.resolve("simdb"),
                    "trap '' HUP; CLASSPATH='" + System.getProperty("java.class.path") + "' exec '" + java
                            + "' -XX:TieredStopAtLevel=1 " + Listener.class.getName() + " \"$@\"");
            return directory;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void program(Path file, String line) throws IOException {
        if (Files.notExists(file)) {
            Files.writeString(file, "#!/bin/sh\n" + line + "\n");
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
    }

    /** Returns the port that a member's own file names; 0 if there is none. */
    static int port(Path state) {
        Properties found = new Properties();
        try (Reader in = Files.newBufferedReader(state)) {
            found.load(in);
        } catch (NoSuchFileException e) {
            return 0;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return found.stringPropertyNames().stream()
                .filter(name -> name.startsWith("port."))
                .mapToInt(name -> Integer.parseInt(found.getProperty(name)))
                .findFirst()
                .orElse(0);
    }

    /** Returns the servers that were told this port. */
    static Stream<ProcessHandle> on(int port) {
        String end = Listener.class.getName() + " " + port;
        return ProcessHandle.allProcesses()
                .filter(process -> process.info().commandLine().orElse("").endsWith(end));
    }

    public static void main(String[] port) throws IOException {
        try (ServerSocket listener =
                new ServerSocket(Integer.parseInt(port[0]), 50, InetAddress.getLoopbackAddress())) {
            while (true) {
                listener.accept().close();
            }
        }
    }
}
