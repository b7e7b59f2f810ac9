package dev.tenon.server;

import dev.tenon.api.Credential;
import dev.tenon.api.Endpoint;
import dev.tenon.api.EngineId;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceView;
import dev.tenon.api.Lifecycle;
import dev.tenon.api.Secret;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.api.TenonBuilder;
import dev.tenon.api.TenonException;
import dev.tenon.baremetal.LocalDelivery;
import dev.tenon.baremetal.SshDelivery;
import dev.tenon.core.pki.PrivateAuthority;
import dev.tenon.server.auth.Users;
import dev.tenon.server.hosts.HostsFile;
import dev.tenon.server.hosts.SshHosts;
import dev.tenon.server.http.Json;
import dev.tenon.spi.delivery.DeliveryContext;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Carries out what the command line asks for; the only class here that chooses deliveries. */
final class Launch {
    private static final Logger log = LoggerFactory.getLogger(Launch.class);
    private static final Duration DEMO_READY = Duration.ofMinutes(3);
    private static final String DEMO = "demo";

    private final ServerSettings settings;

    Launch(ServerSettings settings) {
        this.settings = settings;
    }

    private LocalDelivery delivery() {
        LocalDelivery.Builder local = LocalDelivery.builder();
        settings.software().forEach(local::software);
        return local.build();
    }

    private Server start() {
        TenonBuilder builder = Tenon.builder().directory(settings.directory()).delivery(delivery());
        settings.history().ifPresent(builder::history);
        settings.replaceAfter().ifPresent(after -> builder.healthCheck(check -> check.replaceAfter(after)));
        SshDelivery remote = remote();
        Tenon tenon = builder.delivery(remote).build();
        return Server.start(settings, tenon, new SshHosts(remote, tenon));
    }

    /** There even without hosts, so that the first one can be adopted. */
    private SshDelivery remote() {
        SshDelivery.Builder remote = SshDelivery.builder();
        settings.software().forEach(remote::software);
        settings.hosts().ifPresent(file -> new HostsFile(file).describe(remote, Json.mapper()));
        return remote.build();
    }

    /** Serves until the process is told to end. */
    void serve() {
        Thread serving = Thread.currentThread();
        CountDownLatch ended = new CountDownLatch(1);
        Runtime.getRuntime()
                .addShutdownHook(new Thread(
                        () -> {
                            // Also ends the wait for the demo; its delivery goes on with the next start.
                            serving.interrupt();
                            await(ended);
                        },
                        "tenon-shutdown"));
        try (Server server = start()) {
            log.info("listening on {}", server.url());
            Optional<Instance> demo = settings.demo() ? demo(server.tenon()) : Optional.empty();
            if (!Thread.currentThread().isInterrupted()) {
                welcome(server, demo);
            }
            await(new CountDownLatch(1));
            Thread.interrupted();
            log.info("stopping");
        } finally {
            ended.countDown();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Makes tenant and instance on the first start, and only then: who removed them does not want them back. */
    private static Optional<Instance> demo(Tenon tenon) {
        try {
            Optional<Tenant> known = tenon.tenants().find(DEMO);
            if (known.isPresent()) {
                return known.get().instances().find(DEMO).filter(Launch::running);
            }
            String version = tenon.catalogue().offers().stream()
                    .filter(o -> o.engine().equals(EngineId.POSTGRESQL))
                    .findFirst()
                    .orElseThrow(() -> new dev.tenon.api.ProviderException(
                            dev.tenon.api.ErrorCode.SOFTWARE_MISSING, "no PostgreSQL was found on this machine"))
                    .versions()
                    .get(0)
                    .version();
            Instance instance = tenon.tenants()
                    .create(t -> t.name(DEMO).displayName("Demo"))
                    .instances()
                    .create(i ->
                            i.name(DEMO).engine(EngineId.POSTGRESQL, version).plan("small"))
                    .await(DEMO_READY);
            return Optional.of(instance);
        } catch (TenonException e) {
            log.error("the instance {} is not there: {} {}", DEMO, e.code(), e.getMessage());
            return Optional.empty();
        }
    }

    private static boolean running(Instance instance) {
        InstanceView view = instance.view();
        return view.lifecycle() instanceof Lifecycle.Active && view.endpoint().isPresent();
    }

    /** Tells a person how to begin, in a file that only they may read and that appears when everything is ready. */
    private void welcome(Server server, Optional<Instance> demo) {
        StringBuilder text = new StringBuilder();
        text.append("Portal      ").append(server.url()).append('\n');
        text.append("Login       admin, password ")
                .append(server.firstPassword()
                        .map(p -> p.reveal(s -> s))
                        .orElse("as shown by the first start (--reset-admin-password makes a new one)"))
                .append('\n');
        text.append("REST API    ").append(server.url()).append("openapi.json\n");
        if (settings.tls().orElse(null) instanceof ServerSettings.Tls.Own) {
            text.append("Authority   ")
                    .append(PrivateAuthority.certificateFile(settings.directory()))
                    .append('\n');
        }
        demo.ifPresent(instance -> {
            InstanceView view = instance.view();
            Endpoint endpoint = view.endpoint().orElseThrow();
            text.append("Database    ")
                    .append(view.spec().name())
                    .append(", ")
                    .append(view.spec().engine())
                    .append(' ')
                    .append(view.serverVersion().orElse(view.spec().version()))
                    .append('\n');
            text.append("Connect     ")
                    .append(connection(endpoint, instance.credential()))
                    .append('\n');
        });
        System.out.print(text);
        System.out.flush();
        Path file = settings.directory().resolve("welcome");
        Path fresh = settings.directory().resolve("welcome.new");
        try {
            Files.deleteIfExists(fresh);
            Files.createFile(fresh, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            Files.writeString(fresh, text);
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write " + file, e);
        }
    }

    private static String connection(Endpoint endpoint, Credential credential) {
        String user = "://" + credential.user() + "@";
        return credential.password().reveal(password -> endpoint.uri()
                .replace(
                        user,
                        "://" + credential.user() + ":"
                                + URLEncoder.encode(password, StandardCharsets.UTF_8)
                                        .replace("+", "%20") + "@"));
    }

    /** Stops what runs; the next control plane starts what shall run. */
    void stopDatabases() {
        try (LocalDelivery local = delivery()) {
            Path place = settings.directory().resolve("places").resolve(local.id());
            if (Files.notExists(place)) {
                return;
            }
            local.start(new DeliveryContext(place, Clock.systemUTC(), ref -> {}));
            log.info("stopped {} database servers", local.stopMembers());
        }
    }

    void resetAdminPassword() {
        Users users = new Users(settings.directory().resolve("accounts.json"), Json.mapper(), new SecureRandom());
        Secret password = settings.adminPassword().orElseGet(users::generate);
        users.password("admin", password);
        System.out.println(password.<String>reveal(
                p -> "admin has the password " + p + "; a server that runs must be started anew to know it"));
    }

    /** Goes once through what a start and the first requests need, so that their classes are in an archive made at the end. */
    void warmUp() throws IOException, InterruptedException {
        Path directory = Files.createTempDirectory("tenon-warm-up-");
        try {
            ServerSettings own = ServerSettings.builder()
                    .directory(directory)
                    .port(0)
                    .software(settings.software())
                    .build();
            try (Server server = new Launch(own).start()) {
                HttpClient http = HttpClient.newHttpClient();
                String password = server.firstPassword().orElseThrow().reveal(p -> p);
                String login =
                        send(http, server, "v1/login", "", "{\"user\":\"admin\",\"password\":\"" + password + "\"}");
                String token = Json.mapper().readTree(login).path("token").asText();
                send(http, server, "v1/tenants", token, "{\"name\":\"warm-up\"}");
                for (String path :
                        List.of("health", "metrics", "v1/tenants", "v1/catalogue", "openapi.json", "ui/login", "ui/")) {
                    send(http, server, path, token, "");
                }
            }
        } finally {
            try (Stream<Path> all = Files.walk(directory)) {
                for (Path one : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(one);
                }
            }
        }
    }

    private static String send(HttpClient http, Server server, String path, String token, String body)
            throws IOException, InterruptedException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(server.url() + path)).timeout(Duration.ofSeconds(30));
        if (!token.isEmpty()) {
            request.header("Authorization", "Bearer " + token);
        }
        if (!body.isEmpty()) {
            request.header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body));
        }
        return http.send(request.build(), HttpResponse.BodyHandlers.ofString()).body();
    }
}
