package dev.tenon.server;

import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Secret;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * The words of the command line.
 *
 * @param task what to do
 * @param settings for it
 */
record Options(Task task, ServerSettings settings) {
    static final String USAGE = """
            usage: java dev.tenon.server.Server --directory DIR [options]
              --directory DIR            where everything is kept
              --port N                   port to listen on (8080; 0 for any that is free)
              --host ADDRESS             address to listen on (127.0.0.1)
              --https                    encrypt, with a certificate of this installation's own authority
              --host-name NAME           a name or address that clients use, for that certificate; may be repeated
              --tls-cert FILE --tls-key FILE
                                         encrypt with this certificate chain and PKCS #8 key (PEM)
              --insecure-http            do not encrypt although other machines can reach the address
              --software DIR             where engines' programs are, beside those found; may be repeated
              --hosts FILE               hosts to deliver to over SSH, besides this machine (JSON)
              --replace-after DURATION   how long a host must be silent before its standbys are made elsewhere (PT10M)
              --history DURATION         how long what is over is kept, 1 day to 3,650 days (P90D)
              --demo                     make a tenant and an instance called demo on the first start
              --admin-password-file FILE password of admin on the first start; generated and shown once without it
              --reset-admin-password     give admin a new password, show it, and end
              --stop-databases           stop every database that runs from the directory, and end
              --warm-up                  start and end once on a directory of its own, for a class-data archive
              --help                     this
            """;

    /** What the process is for. */
    enum Task {
        SERVE,
        STOP_DATABASES,
        RESET_ADMIN_PASSWORD,
        WARM_UP,
        HELP
    }

    static Options parse(List<String> words) {
        Deque<String> left = new ArrayDeque<>(words);
        ServerSettings.Builder settings = ServerSettings.builder();
        Task task = Task.SERVE;
        boolean directory = false;
        Optional<Path> certificate = Optional.empty();
        Optional<Path> key = Optional.empty();
        boolean https = false;
        while (!left.isEmpty()) {
            String word = left.remove();
            switch (word) {
                case "--directory" -> {
                    settings.directory(path(word, left).toAbsolutePath());
                    directory = true;
                }
                case "--port" -> settings.port(number(word, value(word, left)));
                case "--host" -> settings.host(value(word, left));
                case "--https" -> https = true;
                case "--host-name" -> settings.addHostNames(value(word, left));
                case "--tls-cert" -> certificate = Optional.of(path(word, left));
                case "--tls-key" -> key = Optional.of(path(word, left));
                case "--insecure-http" -> settings.insecureHttp(true);
                case "--software" -> settings.addSoftware(path(word, left));
                case "--hosts" -> settings.hosts(path(word, left));
                case "--replace-after" -> settings.replaceAfter(duration(word, value(word, left)));
                case "--history" -> settings.history(duration(word, value(word, left)));
                case "--demo" -> settings.demo(true);
                case "--admin-password-file" -> settings.adminPassword(secret(word, path(word, left)));
                case "--reset-admin-password" -> task = Task.RESET_ADMIN_PASSWORD;
                case "--stop-databases" -> task = Task.STOP_DATABASES;
                case "--warm-up" -> task = Task.WARM_UP;
                case "--help" -> task = Task.HELP;
                default -> throw new InvalidSpecException(word, "no such option; --help lists them");
            }
        }
        if (certificate.isPresent() != key.isPresent()) {
            throw new InvalidSpecException("--tls-cert", "give both --tls-cert and --tls-key, or neither");
        }
        if (certificate.isPresent() && https) {
            throw new InvalidSpecException(
                    "--https", "means the own authority's certificate; leave it out, or the files");
        }
        if (certificate.isPresent()) {
            settings.tls(new ServerSettings.Tls.Files(certificate.get(), key.orElseThrow()));
        } else if (https) {
            settings.tls(new ServerSettings.Tls.Own());
        }
        if (!directory) {
            if (task != Task.WARM_UP && task != Task.HELP) {
                throw new InvalidSpecException("--directory", "is missing; --help lists the options");
            }
            settings.directory(Path.of(""));
        }
        return new Options(task, settings.build());
    }

    private static String value(String word, Deque<String> left) {
        if (left.isEmpty()) {
            throw new InvalidSpecException(word, "needs a value");
        }
        return left.remove();
    }

    private static Path path(String word, Deque<String> left) {
        return Path.of(value(word, left));
    }

    private static int number(String word, String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw new InvalidSpecException(word, "expected a number");
        }
    }

    private static Duration duration(String word, String text) {
        try {
            return Duration.parse(text);
        } catch (DateTimeParseException e) {
            throw new InvalidSpecException(word, "expected a duration such as P90D (ISO 8601)");
        }
    }

    private static Secret secret(String word, Path file) {
        try {
            return Secret.of(Files.readString(file).strip());
        } catch (IOException e) {
            throw new InvalidSpecException(word, "cannot read " + file);
        }
    }
}
