package dev.tenon.server.portal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.api.Event;
import dev.tenon.api.Health;
import dev.tenon.api.InstanceSpec;
import dev.tenon.api.Lifecycle;
import dev.tenon.api.Preview;
import dev.tenon.api.Reason;
import dev.tenon.server.portal.view.InstanceList;
import dev.tenon.server.portal.view.InstancePage;
import dev.tenon.server.portal.view.InstanceRow;
import dev.tenon.server.portal.view.Messages;
import dev.tenon.server.portal.view.Page;
import gg.jte.ContentType;
import gg.jte.TemplateEngine;
import gg.jte.output.StringOutput;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class PortalRenderingTest {
    private static final TemplateEngine TEMPLATES = TemplateEngine.createPrecompiled(
            null, ContentType.Html, PortalRenderingTest.class.getClassLoader(), "dev.tenon.server.portal.templates");
    private static final String HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>${7*7}";
    private static final Pattern INLINE = Pattern.compile("<script(?![^>]* src=)|\\son[a-z]+=|\\sstyle=|javascript:");
    private static final Pattern POST = Pattern.compile("<form[^>]*method=\"post\".*?</form>", Pattern.DOTALL);

    static String render(String template, Map<String, Object> values) {
        StringOutput out = new StringOutput();
        TEMPLATES.render(template, values, out);
        return out.toString();
    }

    static Stream<Arguments> pages() {
        return Stream.of(Messages.ENGLISH, Messages.CHINESE)
                .flatMap(m -> Samples.pages(Samples.page(m, "instances")).entrySet().stream()
                        .map(e -> Arguments.of(
                                m.tag(),
                                e.getKey(),
                                e.getValue().getKey(),
                                e.getValue().getValue())));
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("pages")
    void page_rendered_isWhole(String language, String name, String template, Map<String, Object> values) {
        String html = render(template, values);

        assertThat(html.stripTrailing())
                .endsWith("</html>")
                .startsWith("<!doctype html>")
                .contains("<html lang=\"" + language + "\"");
        assertThat(INLINE.matcher(html).find()).as("inline script or style").isFalse();
        assertThat(html).doesNotContain("https://").doesNotContain("http://");
        if (!name.equals("login")) { // nobody is signed in there yet, so there is no token
            POST.matcher(html).results().forEach(form -> assertThat(form.group())
                    .contains("<input type=\"hidden\" name=\"_csrf\" value=\"" + Samples.CSRF + "\">"));
        }
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("pages")
    void page_rendered_hasNoTextWithoutTranslation(
            String language, String name, String template, Map<String, Object> values) {
        String text = render(template, values).replaceAll("<[^>]*>", "\n");

        // A key that has no text shows as itself: words joined by dots, alone between two tags.
        assertThat(text.lines().map(String::strip).filter(l -> l.matches("[a-z]+(\\.[A-Za-z_]+)+")))
                .allSatisfy(line -> assertThat(line).matches("(instance|operation)\\.[a-z]+|db-host.*|.*\\.internal"));
    }

    @Test
    void instance_withHostileTexts_isEscapedEverywhere() {
        InstanceSpec spec = Samples.spec("orders")
                .displayName(HOSTILE)
                .description(HOSTILE)
                .tag("evil", HOSTILE)
                .build();
        InstanceRow row = Samples.row(spec, new Lifecycle.Failed(HOSTILE));
        Page page = Samples.page(Messages.ENGLISH, "instances").saying(new Page.Notice("bad", HOSTILE, HOSTILE));
        InstanceList list =
                new InstanceList(List.of(row), HOSTILE, HOSTILE, HOSTILE, List.of(), HOSTILE, Optional.of(HOSTILE));

        for (String html : List.of(
                render("list.jte", Map.of("page", page, "list", list, "digest", "d")),
                render(
                        "instance/overview.jte",
                        Map.of(
                                "page",
                                page,
                                "instance",
                                new InstancePage(row, "overview", Optional.of(Samples.parked())),
                                "explanation",
                                Samples.explanation(),
                                "digest",
                                "d")),
                render(
                        "instance/settings.jte",
                        Map.of(
                                "page",
                                page,
                                "instance",
                                new InstancePage(row, "settings", Optional.empty()),
                                "digest",
                                "d",
                                "plans",
                                Samples.plans(),
                                "values",
                                Map.of(
                                        "displayName",
                                        HOSTILE,
                                        "description",
                                        HOSTILE,
                                        "tags",
                                        HOSTILE,
                                        "whitelist",
                                        HOSTILE),
                                "errors",
                                Map.of("tags", HOSTILE))),
                render(
                        "problem.jte",
                        Map.of("page", page, "title", HOSTILE, "detail", HOSTILE, "code", HOSTILE, "request", HOSTILE)),
                render("new.jte", Map.of("page", page, "form", Samples.form(Map.of("name", HOSTILE)))))) {
            assertThat(html)
                    .doesNotContain("<script>alert")
                    .doesNotContain("<img src=x")
                    .doesNotContain("\"'>");
            assertThat(html).contains("&lt;script&gt;alert(1)&lt;/script&gt;");
        }
    }

    @Test
    void topology_withStandbys_showsHowTheyFollowAndWhatCanBeDone() {
        String html = render(
                "instance/topology.jte",
                Map.of(
                        "page",
                        Samples.page(Messages.CHINESE, "instances"),
                        "row",
                        Samples.cluster().row(),
                        "digest",
                        "d"));

        assertThat(html)
                .contains("流复制中 · 同步 · 落后 40 MiB · 1.25 s")
                .contains("没有跟随主库")
                .contains("/change/standby_add\"")
                .contains("/change/switchover?member=m-2\"")
                .contains("/change/standby_rebuild?member=m-3\"")
                .contains("/change/standby_remove?member=m-3\"")
                .doesNotContain("/change/failover")
                .doesNotContain("member=m-1");
    }

    @Test
    void topology_down_offersToForceAFailOver() {
        String html = render(
                "instance/topology.jte",
                Map.of(
                        "page",
                        Samples.page(Messages.CHINESE, "instances"),
                        "row",
                        Samples.cluster(new Health.Down(List.of(Reason.of(Reason.Code.STANDBYS_TOO_FEW))))
                                .row(),
                        "digest",
                        "d"));

        assertThat(html).contains("/change/failover?member=m-2\"").contains("强制故障切换");
    }

    @Test
    void warning_whatMayBeLost_isSaidInChinese() {
        Page page = Samples.page(Messages.CHINESE, "instances");
        Preview.Warning known = new Preview.Warning(
                Preview.WarningCode.MAY_LOSE, List.of("m-2", "2048", "2026-01-01T00:00:00Z"), "text");
        Preview.Warning unknown = new Preview.Warning(Preview.WarningCode.MAY_LOSE, List.of("m-2", "0", ""), "text");

        assertThat(page.warning(known)).contains("m-2", "2 KiB").doesNotContain("尚不清楚");
        assertThat(page.warning(unknown)).contains("m-2", "尚不清楚");
    }

    @Test
    void topology_ofOneMember_asksForNothingAgain() {
        String html = render(
                "instance/topology.jte",
                Map.of(
                        "page",
                        Samples.page(Messages.ENGLISH, "instances"),
                        "row",
                        Samples.instance(new Lifecycle.Active(), "overview", Optional.empty())
                                .row(),
                        "digest",
                        "d"));

        assertThat(html)
                .doesNotContain("hx-get=\"/ui/t/" + Samples.TENANT.value() + "/instances/" + Samples.ID.value() + "?");
    }

    @Test
    void reason_inChinese_keepsOnlyTheWordsOfOthers() {
        Page page = Samples.page(Messages.CHINESE, "instances");
        Reason reason = Reason.of(Reason.Code.WAITS)
                .because(Reason.of(Reason.Code.HEALED_LATELY, "3")
                        .because(Reason.of(Reason.Code.MEMBER_STATE, "m-1", "STOPPED")
                                .because(Reason.said("exit 1"))));

        assertThat(page.reason(reason)).isEqualTo("等待：近期已自愈 3 次：成员 m-1 的状态为“已停止”：exit 1");
        assertThat(reason.text()).isEqualTo("waits: healed 3 times lately: m-1 is STOPPED: exit 1");
    }

    @Test
    void event_inChinese_namesWhatItIsAboutInsteadOfAnEnglishSentence() {
        Page page = Samples.page(Messages.CHINESE, "instances");
        Event switched = event("instance.switched_over", Event.Severity.INFO, Map.of("member", "m-2"));
        Event requested = event("operation.requested", Event.Severity.INFO, Map.of("kind", "SWITCHOVER"));
        Event down = event(
                "instance.down",
                Event.Severity.WARNING,
                Map.of(),
                Reason.of(Reason.Code.MEMBER_STATE, "m-1", "STOPPED").because(Reason.said("exit 1")),
                Reason.of(Reason.Code.MAY_LOSE, "4096"));

        assertThat(page.event(switched)).isEqualTo("已完成主备切换：m-2");
        assertThat(page.more(switched)).isEmpty();
        assertThat(page.event(requested)).isEqualTo("变更已申请：主备切换");
        assertThat(page.event(down)).isEqualTo("实例不可用");
        assertThat(page.more(down)).isEqualTo("成员 m-1 的状态为“已停止”：exit 1; 已知丢失 4 KiB 日志，未被观察到的写入也会丢失");
        assertThat(Samples.page(Messages.ENGLISH, "instances").more(down)).isEqualTo("words");
    }

    private static Event event(
            String type, Event.Severity severity, Map<String, String> attributes, Reason... reasons) {
        return new Event(
                1,
                Samples.NOW,
                Optional.of(Samples.TENANT),
                Optional.of(Samples.ID),
                Optional.empty(),
                type,
                severity,
                "words",
                attributes,
                List.of(reasons));
    }

    @Test
    void connection_notRevealed_holdsNoPassword() {
        String html = render(
                "instance/connection.jte",
                Map.of(
                        "page",
                        Samples.page(Messages.ENGLISH, "instances"),
                        "instance",
                        Samples.instance(new Lifecycle.Active(), "connection", Optional.empty()),
                        "digest",
                        "d",
                        "snippets",
                        Map.of()));

        assertThat(html).contains("/credential\" method=\"post\"").doesNotContain("id=\"secret\"");
    }

    static Stream<Arguments> lifecycles() {
        return Stream.of(
                Arguments.of(new Lifecycle.Requested(), List.of()),
                Arguments.of(new Lifecycle.PendingApproval(), List.of()),
                Arguments.of(new Lifecycle.Provisioning(), List.of("delete")),
                Arguments.of(new Lifecycle.Active(), List.of("stop", "restart", "freeze", "delete")),
                Arguments.of(new Lifecycle.Stopped(), List.of("start", "freeze", "delete")),
                Arguments.of(new Lifecycle.Frozen(), List.of("unfreeze", "delete")),
                Arguments.of(new Lifecycle.Recycled(Samples.NOW), List.of("recover", "purge")),
                Arguments.of(new Lifecycle.Deleted(), List.of()),
                Arguments.of(new Lifecycle.Failed("no room"), List.of("delete", "purge")));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("lifecycles")
    void buttons_inALifecycle_areThoseThatAreLegal(Lifecycle lifecycle, List<String> offered) {
        String html = render(
                "instance/live.jte",
                Map.of(
                        "page",
                        Samples.page(Messages.ENGLISH, "instances"),
                        "instance",
                        Samples.instance(lifecycle, "overview", Optional.empty()),
                        "digest",
                        "d"));

        for (String action : List.of("start", "stop", "restart", "freeze", "unfreeze", "recover", "delete", "purge")) {
            assertThat(html.contains("/change/" + action + "\"")).as(action).isEqualTo(offered.contains(action));
        }
    }
}
