package dev.tenon.server.portal;

import dev.tenon.api.Catalogue;
import dev.tenon.api.Change;
import dev.tenon.api.ConflictException;
import dev.tenon.api.Credential;
import dev.tenon.api.EngineId;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.Instance;
import dev.tenon.api.InstanceFilter;
import dev.tenon.api.InstanceId;
import dev.tenon.api.InstanceSpec;
import dev.tenon.api.InstanceView;
import dev.tenon.api.InvalidSpecException;
import dev.tenon.api.Operation;
import dev.tenon.api.OperationId;
import dev.tenon.api.OperationView;
import dev.tenon.api.PageRequest;
import dev.tenon.api.Preview;
import dev.tenon.api.RequestKey;
import dev.tenon.api.Session;
import dev.tenon.api.Tenant;
import dev.tenon.api.TenonException;
import dev.tenon.server.auth.Allowed;
import dev.tenon.server.auth.Caller;
import dev.tenon.server.portal.view.CreateModel;
import dev.tenon.server.portal.view.InstanceList;
import dev.tenon.server.portal.view.InstancePage;
import dev.tenon.server.portal.view.InstanceRow;
import dev.tenon.server.portal.view.Page;
import dev.tenon.server.portal.view.ParameterRow;
import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;

/** The list of instances, the form for a new one, and everything to see on an instance's own pages. */
final class InstancePages {
    private static final int PER_PAGE = 50;
    private static final int EVENTS = 100;
    private static final Duration SHOWN_AFTERWARDS = Duration.ofSeconds(45);

    private final Site site;

    InstancePages(Site site) {
        this.site = site;
    }

    void register(RoutesConfig routes) {
        String all = "/ui/t/{tenant}/instances";
        String one = all + "/{id}";
        routes.get(all, this::list, Allowed.USERS);
        routes.get(all + "/rows", this::rows, Allowed.USERS);
        routes.get(all + "/new", this::blank, Allowed.USERS);
        routes.post(all + "/new", this::previewed, Allowed.USERS);
        routes.post(all + "/preview", this::preview, Allowed.USERS);
        routes.post(all, this::create, Allowed.USERS);
        routes.get("/ui/t/{tenant}/recycle-bin", this::recycleBin, Allowed.USERS);
        routes.get(one, this::overview, Allowed.USERS);
        routes.get(one + "/live", this::live, Allowed.USERS);
        routes.get(one + "/connection", this::connection, Allowed.USERS);
        routes.get(one + "/ca.pem", this::authority, Allowed.USERS);
        routes.post(one + "/credential", this::credential, Allowed.USERS);
        routes.get(one + "/parameters", this::parameters, Allowed.USERS);
        routes.get(one + "/sessions", this::sessions, Allowed.USERS);
        routes.get(one + "/operations", this::operations, Allowed.USERS);
        routes.get(one + "/events", this::events, Allowed.USERS);
        routes.get(one + "/logs", this::logs, Allowed.USERS);
    }

    private void list(Context ctx) {
        Tenant tenant = site.tenant(ctx);
        Page page = site.page(ctx, Optional.of(tenant), "instances");
        InstanceList list = find(ctx, tenant);
        String rows = site.render("rows.jte", Map.of("page", page, "list", list, "digest", ""));
        site.show(ctx, "list.jte", Map.of("page", page, "list", list, "digest", Site.digest(rows)));
    }

    private void rows(Context ctx) {
        Tenant tenant = site.tenant(ctx);
        sendIfNew(ctx, "rows.jte", new HashMap<>(Map.of("page", site.part(ctx, tenant), "list", find(ctx, tenant))));
    }

    private InstanceList find(Context ctx, Tenant tenant) {
        String text = Site.query(ctx, "q");
        String lifecycle = Site.query(ctx, "state");
        String engine = Site.query(ctx, "engine");
        String cursor = Site.query(ctx, "cursor");
        InstanceFilter.Builder filter = InstanceFilter.builder();
        if (!text.isEmpty()) {
            filter.text(text);
        }
        if (!lifecycle.isEmpty()) {
            filter.lifecycle(lifecycle);
        }
        if (!engine.isEmpty()) {
            filter.engine(new EngineId(engine));
        }
        dev.tenon.api.Page<InstanceView> found = tenant.instances()
                .list(
                        filter.build(),
                        new PageRequest(PER_PAGE, Optional.of(cursor).filter(c -> !c.isEmpty())));
        List<EngineId> engines = site.auth().caller(ctx).catalogue().offers().stream()
                .map(Catalogue.Offer::engine)
                .toList();
        return new InstanceList(
                found.items().stream().map(v -> row(tenant, v)).toList(),
                text,
                lifecycle,
                engine,
                engines,
                cursor,
                found.next());
    }

    private void recycleBin(Context ctx) {
        Tenant tenant = site.tenant(ctx);
        Optional<String> cursor = Optional.of(Site.query(ctx, "cursor")).filter(c -> !c.isEmpty());
        dev.tenon.api.Page<InstanceView> found = tenant.instances()
                .list(InstanceFilter.builder().lifecycle("Recycled").build(), new PageRequest(PER_PAGE, cursor));
        site.show(
                ctx,
                "recycle.jte",
                Map.of(
                        "page", site.page(ctx, Optional.of(tenant), "recycle"),
                        "rows", found.items().stream().map(v -> row(tenant, v)).toList(),
                        "next", found.next()));
    }

    static InstanceRow row(Tenant tenant, InstanceView view) {
        return new InstanceRow(
                view,
                view.operation().map(id -> tenant.operations().get(id).view()).filter(o -> !o.state()
                        .done()));
    }

    // ---- a new instance

    private void blank(Context ctx) {
        Tenant tenant = site.tenant(ctx);
        Catalogue catalogue = site.auth().caller(ctx).catalogue();
        String request = UUID.randomUUID().toString();
        CreateForm form = CreateForm.fresh(catalogue, "db-" + request.substring(0, 4), request);
        form(ctx, tenant, form, model(ctx, tenant, form, false));
    }

    private void previewed(Context ctx) {
        Tenant tenant = site.tenant(ctx);
        CreateForm form = CreateForm.of(ctx);
        form(ctx, tenant, form, model(ctx, tenant, form, false));
    }

    private void form(Context ctx, Tenant tenant, CreateForm form, CreateModel model) {
        if (!form.errors().isEmpty() || model.problem().isPresent()) {
            ctx.status(ctx.method().name().equals("GET") ? 200 : 422);
        }
        site.show(ctx, "new.jte", Map.of("page", site.page(ctx, Optional.of(tenant), "instances"), "form", model));
    }

    private void preview(Context ctx) {
        Tenant tenant = site.tenant(ctx);
        CreateForm form = CreateForm.of(ctx);
        String changed = Site.text(ctx.header("HX-Trigger-Name"));
        CreateModel model = model(ctx, tenant, form, false);
        site.show(
                ctx,
                "createfragment.jte",
                Map.of("page", site.part(ctx, tenant), "form", model, "choices", choicesMoved(ctx, model, changed)));
    }

    /** Whether the versions or zones on offer depend on what was changed last: the versions or the zone no longer fit. */
    private static boolean choicesMoved(Context ctx, CreateModel model, String changed) {
        boolean version = model.versions().stream().noneMatch(v -> v.version().equals(Site.form(ctx, "version")));
        boolean zone = !Site.form(ctx, "zone").isEmpty() && !model.zones().contains(Site.form(ctx, "zone"));
        return version || zone || changed.equals("engine") || changed.equals("delivery");
    }

    private CreateModel model(Context ctx, Tenant tenant, CreateForm form, boolean moved) {
        Catalogue catalogue = site.auth().caller(ctx).catalogue();
        Optional<Preview> preview = Optional.empty();
        Optional<Page.Notice> problem = Optional.empty();
        Optional<InstanceSpec> spec = form.spec();
        if (spec.isPresent()) {
            try {
                preview = Optional.of(tenant.instances().preview(spec.get()));
            } catch (InvalidSpecException e) {
                if (!form.blame(e)) {
                    problem = Optional.of(Problems.notice(site.part(ctx, tenant), e));
                }
            } catch (ConflictException e) {
                if (e.code() == ErrorCode.NAME_TAKEN) {
                    form.errors().put("name", site.messages(ctx).t("error.NAME_TAKEN"));
                } else {
                    problem = Optional.of(Problems.notice(site.part(ctx, tenant), e));
                }
            }
        }
        return new CreateModel(
                catalogue.offers(),
                catalogue.plans(),
                catalogue.places(),
                form.values(),
                form.errors(),
                preview,
                problem,
                moved);
    }

    private void create(Context ctx) {
        Tenant tenant = site.tenant(ctx);
        CreateForm form = CreateForm.of(ctx);
        String seen = Site.form(ctx, "digest");
        CreateModel model = model(ctx, tenant, form, false);
        // A form that was shown with its preview is sent under that, also when the preview could not be made now: it
        // may have
        // been sent already, and then what it made stands in its own way.
        Optional<Preview> preview =
                seen.isEmpty() ? model.preview() : form.spec().map(spec -> shown(spec, seen));
        if (preview.isEmpty()) {
            form(ctx, tenant, form, model);
            return;
        }
        Operation<Instance> operation;
        try {
            operation = once(ctx, form, preview.get())
                    .tenant(tenant.id().value())
                    .instances()
                    .create(preview.get(), form.password());
        } catch (InvalidSpecException | ConflictException e) {
            boolean moved = e.code() == ErrorCode.STALE;
            if (!moved && !(e instanceof InvalidSpecException invalid && form.blame(invalid))) {
                model = withProblem(model(ctx, tenant, form, false), Problems.notice(site.part(ctx, tenant), e));
            } else {
                model = model(ctx, tenant, form, moved);
            }
            form(ctx.status(409), tenant, form, model);
            return;
        }
        InstanceId id = operation.view().instance();
        site.go(ctx, "/ui/t/" + tenant.id().value() + "/instances/" + id.value());
    }

    /** Returns the caller for a creation that is done once, however often the same form is sent. */
    private Caller once(Context ctx, CreateForm form, Preview preview) {
        String request = form.values().getOrDefault("request", "");
        Caller caller = site.auth().caller(ctx);
        return request.matches("[0-9a-f-]{1,36}")
                ? caller.under(new RequestKey("portal-" + request + "-" + preview.digest(), preview.digest()))
                : caller;
    }

    /** The browser brings only the digest back, which stands for the rest; the control plane computes the rest anew. */
    private static Preview shown(InstanceSpec spec, String digest) {
        return Preview.builder()
                .change(new Change.Create(spec))
                .restart(false)
                .needsApproval(false)
                .digest(digest)
                .build();
    }

    private static CreateModel withProblem(CreateModel model, Page.Notice problem) {
        return new CreateModel(
                model.offers(),
                model.plans(),
                model.places(),
                model.values(),
                model.errors(),
                model.preview(),
                Optional.of(problem),
                false);
    }

    // ---- one instance

    /** What the frame of an instance's page needs. */
    record Seen(Tenant tenant, Instance instance, Page page, InstancePage model) {
        Map<String, Object> values(Site site) {
            Map<String, Object> values = new HashMap<>();
            values.put("page", page);
            values.put("instance", model);
            String live = site.render("instance/live.jte", Map.of("page", page, "instance", model, "digest", ""));
            values.put("digest", Site.digest(live));
            return values;
        }
    }

    static Instance instance(Context ctx, Tenant tenant) {
        return tenant.instances().get(new InstanceId(ctx.pathParam("id")));
    }

    Seen see(Context ctx, String tab) {
        Tenant tenant = site.tenant(ctx);
        Instance instance = instance(ctx, tenant);
        return new Seen(
                tenant,
                instance,
                site.page(ctx, Optional.of(tenant), "instances"),
                model(tenant, instance.view(), tab, site.clock().instant()));
    }

    static InstancePage model(Tenant tenant, InstanceView view, String tab, Instant now) {
        InstanceRow row = row(tenant, view);
        Optional<OperationView> shown = row.operation().or(() -> last(tenant, view.id())
                .filter(o -> !o.state().done()
                        || o.finishedAt()
                                .map(at -> at.plus(SHOWN_AFTERWARDS).isAfter(now))
                                .orElse(false)));
        return new InstancePage(row, tab, shown);
    }

    private static Optional<OperationView> last(Tenant tenant, InstanceId id) {
        return tenant.operations().list(Optional.of(id), PageRequest.first(1)).items().stream()
                .findFirst();
    }

    private void overview(Context ctx) {
        if (Site.query(ctx, "part").equals("body")) {
            Tenant tenant = site.tenant(ctx);
            Instance instance = instance(ctx, tenant);
            InstancePage model =
                    model(tenant, instance.view(), "overview", site.clock().instant());
            Page page = site.part(ctx, tenant);
            site.show(
                    ctx,
                    "instance/overviewbody.jte",
                    Map.of(
                            "page",
                            page,
                            "instance",
                            model,
                            "explanation",
                            instance.explain(),
                            "topology",
                            topology(page, model.row())));
            return;
        }
        if (Site.query(ctx, "part").equals("topology")) {
            Tenant tenant = site.tenant(ctx);
            InstanceRow row = row(tenant, instance(ctx, tenant).view());
            sendIfNew(ctx, "instance/topology.jte", new HashMap<>(Map.of("page", site.part(ctx, tenant), "row", row)));
            return;
        }
        Seen seen = see(ctx, "overview");
        Map<String, Object> values = seen.values(site);
        values.put("explanation", seen.instance().explain());
        values.put("topology", topology(seen.page(), seen.model().row()));
        site.show(ctx, "instance/overview.jte", values);
    }

    /** Returns what the picture shows now, for the page to ask only for another. */
    private String topology(Page page, InstanceRow row) {
        return Site.digest(
                site.render("instance/topology.jte", new HashMap<>(Map.of("page", page, "row", row, "digest", ""))));
    }

    private void live(Context ctx) {
        Tenant tenant = site.tenant(ctx);
        InstanceView view = instance(ctx, tenant).view();
        InstancePage model =
                model(tenant, view, Site.query(ctx, "tab"), site.clock().instant());
        if (sendIfNew(
                ctx, "instance/live.jte", new HashMap<>(Map.of("page", site.part(ctx, tenant), "instance", model)))) {
            ctx.header("HX-Trigger", "tenon-changed");
        }
    }

    private void connection(Context ctx) {
        Seen seen = see(ctx, "connection");
        Map<String, Object> values = seen.values(site);
        values.put(
                "snippets",
                seen.model()
                        .row()
                        .view()
                        .endpoint()
                        .map(e -> snippets(e.snippets()))
                        .orElse(Map.of()));
        site.show(ctx, "instance/connection.jte", values);
    }

    /** What most people use comes first. */
    private static Map<String, String> snippets(Map<String, String> byClient) {
        Map<String, String> ordered = new LinkedHashMap<>();
        for (String client : List.of("psql", "disql", "java", "python")) {
            if (byClient.containsKey(client)) {
                ordered.put(client, byClient.get(client));
            }
        }
        new TreeMap<>(byClient).forEach(ordered::putIfAbsent);
        return ordered;
    }

    private void authority(Context ctx) {
        InstanceView view = instance(ctx, site.tenant(ctx)).view();
        String pem = view.endpoint()
                .flatMap(dev.tenon.api.Endpoint::authorityPem)
                .orElseThrow(() -> new dev.tenon.api.NotFoundException("this instance has no authority of its own"));
        Site.headers(ctx);
        ctx.header("Content-Disposition", "attachment; filename=\"tenon-ca.pem\"")
                .contentType("application/x-pem-file")
                .result(pem);
    }

    private void credential(Context ctx) {
        if (Site.fragment(ctx)) {
            Tenant tenant = site.tenant(ctx);
            Instance instance = instance(ctx, tenant);
            Credential credential = instance.credential();
            site.show(
                    ctx,
                    "instance/password.jte",
                    Map.of("page", site.part(ctx, tenant), "id", instance.id(), "credential", credential));
            return;
        }
        Seen seen = see(ctx, "connection");
        Map<String, Object> values = seen.values(site);
        values.put("credential", seen.instance().credential());
        site.show(ctx, "instance/revealed.jte", values);
    }

    private void parameters(Context ctx) {
        Seen seen = see(ctx, "parameters");
        Map<String, Object> values = seen.values(site);
        Optional<Map<String, String>> inForce = inForce(seen.instance());
        values.put("text", Site.query(ctx, "q"));
        values.put("unavailable", inForce.isPresent() ? "" : seen.page().t("parameters.offline"));
        values.put("rows", rows(ctx, seen.model().row().view(), inForce.orElse(Map.of()), Site.query(ctx, "q")));
        site.show(ctx, "instance/parameters.jte", values);
    }

    private static Optional<Map<String, String>> inForce(Instance instance) {
        try {
            return Optional.of(instance.settings());
        } catch (TenonException e) {
            return Optional.empty();
        }
    }

    private List<ParameterRow> rows(Context ctx, InstanceView view, Map<String, String> inForce, String text) {
        return ParameterRow.join(
                site.auth()
                        .caller(ctx)
                        .catalogue()
                        .parameters(view.spec().engine(), view.spec().version())
                        .parameters(),
                inForce,
                view.spec().parameters(),
                view.pendingRestart(),
                text);
    }

    /** Returns one parameter as it is now; {@code NOT_FOUND} if the engine has none of this name that tenants may set. */
    ParameterRow parameter(Context ctx, Instance instance, String name) {
        return rows(ctx, instance.view(), inForce(instance).orElse(Map.of()), name).stream()
                .filter(row -> row.name().equals(name) && !row.forbidden())
                .findFirst()
                .orElseThrow(() -> new dev.tenon.api.NotFoundException("no parameter of this name can be set"));
    }

    private void sessions(Context ctx) {
        boolean part = Site.query(ctx, "part").equals("body");
        Tenant tenant = site.tenant(ctx);
        Instance instance = instance(ctx, tenant);
        List<Session> sessions = List.of();
        String unavailable = "";
        try {
            sessions = instance.sessions().list();
        } catch (TenonException e) {
            unavailable = Problems.notice(site.part(ctx, tenant), e).text();
        }
        if (part) {
            site.show(
                    ctx,
                    "instance/sessionsbody.jte",
                    Map.of(
                            "page",
                            site.part(ctx, tenant),
                            "instance",
                            model(
                                    tenant,
                                    instance.view(),
                                    "sessions",
                                    site.clock().instant()),
                            "sessions",
                            sessions,
                            "unavailable",
                            unavailable));
            return;
        }
        Map<String, Object> values = see(ctx, "sessions").values(site);
        values.put("sessions", sessions);
        values.put("unavailable", unavailable);
        site.show(ctx, "instance/sessions.jte", values);
    }

    private void operations(Context ctx) {
        Seen seen = see(ctx, "operations");
        Map<String, Object> values = seen.values(site);
        values.put(
                "operations",
                seen.tenant()
                        .operations()
                        .list(Optional.of(seen.instance().id()), PageRequest.first(PER_PAGE))
                        .items());
        site.show(ctx, "instance/operations.jte", values);
    }

    private void events(Context ctx) {
        Seen seen = see(ctx, "events");
        Map<String, Object> values = seen.values(site);
        values.put("events", seen.instance().events().latest(EVENTS));
        site.show(ctx, "instance/events.jte", values);
    }

    private void logs(Context ctx) {
        Seen seen = see(ctx, "logs");
        String asked = Site.query(ctx, "lines");
        int wanted = List.of("100", "500", "2000").contains(asked) ? Integer.parseInt(asked) : 500;
        List<String> lines = List.of();
        String unavailable = "";
        try {
            lines = seen.instance().logs(wanted);
        } catch (TenonException e) {
            unavailable = Problems.notice(seen.page(), e).text();
        }
        Map<String, Object> values = seen.values(site);
        values.put("lines", lines);
        values.put("wanted", wanted);
        values.put("unavailable", unavailable);
        site.show(ctx, "instance/logs.jte", values);
    }

    /** Sends a part that refreshes itself, or nothing if it still looks as it did. Returns whether it was sent. */
    private boolean sendIfNew(Context ctx, String template, Map<String, Object> values) {
        values.put("digest", "");
        String digest = Site.digest(site.render(template, values));
        if (digest.equals(Site.query(ctx, "v"))) {
            Site.headers(ctx);
            ctx.status(204);
            return false;
        }
        values.put("digest", digest);
        site.show(ctx, template, values);
        return true;
    }

    static OperationId operation(Context ctx) {
        return new OperationId(ctx.pathParam("operation"));
    }
}
