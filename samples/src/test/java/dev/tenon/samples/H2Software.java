package dev.tenon.samples;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.h2.Driver;

/** H2, installed where a place can run it. */
final class H2Software {
    private H2Software() {}

    /** Does what an administrator would: a program that has H2 on its class path. */
    static Path install(Path home) {
        try {
            Path jar = Path.of(Driver.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .getPath());
            Path program = Files.createDirectories(home.resolve("bin")).resolve("h2");
            String java =
                    Path.of(System.getProperty("java.home"), "bin", "java").toString();
            Files.writeString(program, "#!/bin/sh\nexec '" + java + "' -cp '" + jar + "' \"$@\"\n");
            Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
            return home;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
