package dev.tenon.core.operation;

import dev.tenon.api.Change;
import dev.tenon.api.ErrorCode;
import dev.tenon.api.InstanceId;
import dev.tenon.api.OperationId;
import dev.tenon.api.OperationKind;
import dev.tenon.api.OperationState;
import dev.tenon.api.OperationView;
import dev.tenon.api.TenantId;
import dev.tenon.core.json.Fields;
import dev.tenon.core.json.Json;
import dev.tenon.core.spec.SpecCodec;
import dev.tenon.spi.store.Document;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Writes and reads the body of an operation's document. */
public final class OperationCodec {
    private OperationCodec() {}

    /** Returns the body. */
    public static String write(OperationDoc doc) {
        return Json.write(Fields.writer()
                .put("id", doc.id())
                .put("kind", doc.kind())
                .put("change", doc.change().map(SpecCodec::change))
                .put("arguments", doc.arguments())
                .put("state", doc.state())
                .put("steps", doc.steps().stream().map(OperationCodec::step).toList())
                .put("failures", doc.failures())
                .put("cancel", doc.cancelRequested())
                .put("undoing", doc.undoing())
                .put("error", doc.error())
                .put("message", doc.message())
                .put("nextTryAt", doc.nextTryAt())
                .put("requestedBy", doc.requestedBy())
                .put("decidedBy", doc.decidedBy())
                .put("basis", doc.basis())
                .put("fingerprint", doc.fingerprint())
                .put("requestKey", doc.requestKey())
                .put("createdAt", doc.createdAt())
                .put("startedAt", doc.startedAt())
                .put("finishedAt", doc.finishedAt())
                .put("deadline", doc.deadline())
                .map());
    }

    /** Reads a document. */
    public static OperationDoc read(Document document) {
        Fields body = Json.read(document.body());
        Optional<Change> change = body.maybeObject("change").map(SpecCodec::change);
        return OperationDoc.builder()
                .id(new OperationId(document.id()))
                .tenant(new TenantId(document.tenant()))
                .instance(new InstanceId(document.parent()))
                .kind(OperationKind.valueOf(body.text("kind")))
                .change(change)
                .arguments(body.texts("arguments"))
                .state(OperationState.valueOf(body.text("state")))
                .steps(body.objects("steps").stream().map(OperationCodec::step).toList())
                .failures((int) body.number("failures", 0))
                .cancelRequested(body.flag("cancel"))
                .undoing(body.flag("undoing"))
                .error(body.maybe("error", ErrorCode::valueOf))
                .message(body.maybe("message"))
                .nextTryAt(body.maybe("nextTryAt", Instant::parse))
                .requestedBy(body.text("requestedBy"))
                .decidedBy(body.maybe("decidedBy"))
                .basis(body.number("basis", 0))
                .fingerprint(body.maybe("fingerprint"))
                .requestKey(body.maybe("requestKey"))
                .createdAt(body.instant("createdAt"))
                .startedAt(body.maybe("startedAt", Instant::parse))
                .finishedAt(body.maybe("finishedAt", Instant::parse))
                .deadline(body.instant("deadline"))
                .version(document.version())
                .build();
    }

    private static Map<String, Object> step(OperationView.Step step) {
        return Fields.writer()
                .put("name", step.name())
                .put("state", step.state())
                .put("startedAt", step.startedAt())
                .put("finishedAt", step.finishedAt())
                .put("attempts", step.attempts())
                .map();
    }

    private static OperationView.Step step(Fields fields) {
        return new OperationView.Step(
                fields.text("name"),
                OperationView.StepState.valueOf(fields.text("state")),
                fields.maybe("startedAt", Instant::parse),
                fields.maybe("finishedAt", Instant::parse),
                (int) fields.number("attempts", 0));
    }

    /** Returns the steps of an operation that has not begun. */
    public static List<OperationView.Step> pending(List<String> names) {
        return names.stream()
                .map(name -> new OperationView.Step(
                        name, OperationView.StepState.PENDING, Optional.empty(), Optional.empty(), 0))
                .toList();
    }
}
