package dev.tenon.server;

import dev.tenon.server.http.Tls;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/** Finds the certificate that the settings ask for. */
final class ServerTls {
    private ServerTls() {}

    static SslContextFactory.Server of(ServerSettings.Tls tls) {
        if (tls instanceof ServerSettings.Tls.Files files) {
            return Tls.ofFiles(files.certificate(), files.key());
        }
        throw new dev.tenon.api.InvalidSpecException("https", "give --tls-cert and --tls-key");
    }
}
