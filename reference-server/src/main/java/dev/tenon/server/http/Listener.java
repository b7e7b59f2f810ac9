package dev.tenon.server.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.javalin.config.JettyConfig;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Connector;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.server.handler.ErrorHandler;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.jspecify.annotations.Nullable;

/** The socket: its limits, its encryption, and what it answers to requests that never reach a route. */
public final class Listener {
    private static final int MAX_HEADER_BYTES = 16 * 1024;
    private static final int MAX_CONNECTIONS = 2_000;
    private static final int MAX_THREADS = 64;
    private static final long IDLE_MILLIS = 30_000;
    private static final long FIRST_REQUEST_SECONDS = 15;
    private static final long GRACE_MILLIS = 10_000;

    private Listener() {}

    /** Sets the socket up. */
    public static void configure(
            JettyConfig jetty, String host, int port, Optional<SslContextFactory.Server> tls, ObjectMapper json) {
        QueuedThreadPool threads = new QueuedThreadPool(MAX_THREADS, 4, (int) IDLE_MILLIS);
        threads.setName("tenon-http");
        jetty.threadPool = threads;
        jetty.modifyServer(server -> {
            server.setErrorHandler(new ProblemHandler(json));
            server.setStopTimeout(GRACE_MILLIS);
        });
        jetty.addConnector((server, ignored) -> connector(server, host, port, tls));
    }

    private static Connector connector(Server server, String host, int port, Optional<SslContextFactory.Server> tls) {
        HttpConfiguration http = new HttpConfiguration();
        http.setSendServerVersion(false);
        http.setSendDateHeader(true);
        http.setRequestHeaderSize(MAX_HEADER_BYTES);
        http.setIdleTimeout(IDLE_MILLIS);
        http.setUriCompliance(UriCompliance.DEFAULT);
        http.setRelativeRedirectAllowed(true);
        HttpConnectionFactory plain = new HttpConnectionFactory(http);
        ServerConnector connector;
        if (tls.isPresent()) {
            SecureRequestCustomizer customizer = new SecureRequestCustomizer();
            // Reached by address as well as by name; the certificate is the only thing that names us.
            customizer.setSniHostCheck(false);
            http.addCustomizer(customizer);
            connector = new ServerConnector(server, 1, 1, new SslConnectionFactory(tls.get(), "http/1.1"), plain);
        } else {
            connector = new ServerConnector(server, 1, 1, plain);
        }
        connector.setHost(host);
        connector.setPort(port);
        connector.setIdleTimeout(IDLE_MILLIS);
        connector.setAcceptQueueSize(512);
        connector.addBean(new NetworkConnectionLimit(MAX_CONNECTIONS, connector));
        connector.addBean(new SlowStart(connector));
        return connector;
    }

    /** Closes connections that do not get one request's headers across in time, however steadily they drip. */
    private static final class SlowStart implements Connection.Listener {
        private final ServerConnector connector;

        SlowStart(ServerConnector connector) {
            this.connector = connector;
        }

        @Override
        public void onOpened(Connection connection) {
            connector
                    .getScheduler()
                    .schedule(
                            () -> {
                                if (connection.getMessagesIn() == 0) {
                                    connection.getEndPoint().close();
                                }
                            },
                            FIRST_REQUEST_SECONDS,
                            TimeUnit.SECONDS);
        }
    }

    /** Answers as everything else here does where Jetty itself refuses a request. */
    private static final class ProblemHandler extends ErrorHandler {
        private final ObjectMapper json;

        ProblemHandler(ObjectMapper json) {
            this.json = json;
        }

        @Override
        protected void generateResponse(
                Request request,
                Response response,
                int code,
                @Nullable String message,
                @Nullable Throwable cause,
                Callback callback) {
            byte[] body = problem(code);
            response.getHeaders().put(HttpHeader.CONTENT_TYPE, "application/problem+json");
            response.getHeaders().put(HttpHeader.CONTENT_LENGTH, body.length);
            response.getHeaders().put(HttpHeader.CACHE_CONTROL, "no-store");
            Content.Sink.write(response, true, new String(body, StandardCharsets.UTF_8), callback);
        }

        @Override
        public ByteBuffer badMessageError(int status, @Nullable String reason, HttpFields.Mutable fields) {
            byte[] body = problem(status);
            fields.put(new HttpField(HttpHeader.CONTENT_TYPE, "application/problem+json"));
            fields.put(HttpHeader.CONTENT_LENGTH, body.length);
            return ByteBuffer.wrap(body);
        }

        private byte[] problem(int status) {
            try {
                return json.writeValueAsBytes(
                        Problem.ofStatus(status, UUID.randomUUID().toString()));
            } catch (JsonProcessingException e) {
                throw new IllegalStateException("a record of text can be written", e);
            }
        }
    }
}
