package dev.tenon.server.portal;

import dev.tenon.server.auth.Auth;
import dev.tenon.server.hosts.Hosts;
import dev.tenon.server.http.ErrorPage;
import io.javalin.config.RoutesConfig;
import java.time.Clock;
import java.util.function.BooleanSupplier;

/** Registers the portal's pages. */
public final class Portal {
    private Portal() {}

    /**
     * Registers the pages.
     *
     * @param routes where; every route names who may call it, or nobody may
     * @param auth logins and, through {@link dev.tenon.server.auth.Caller}, the control plane
     * @param hosts the hosts of the installation
     * @param healthy whether the installation is well
     * @return shows failures of pages outside {@code /v1}
     */
    public static ErrorPage register(RoutesConfig routes, Auth auth, Hosts hosts, BooleanSupplier healthy) {
        Site site = new Site(auth, Clock.systemUTC());
        InstancePages instances = new InstancePages(site);
        new SignInPages(site).register(routes);
        instances.register(routes);
        new ChangePages(site, instances).register(routes);
        new ObjectPages(site, instances).register(routes);
        new OperationPages(site).register(routes);
        new TenantPages(site).register(routes);
        new UserPages(site).register(routes);
        new HostPages(site, hosts).register(routes);
        new PlatformPages(site, healthy).register(routes);
        return new Problems(site);
    }
}
