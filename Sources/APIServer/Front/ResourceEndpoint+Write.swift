import API
import APIMachinery
import Client
import Support
import Wire

extension ResourceEndpoint {
    /// Creates, updates, patches or deletes: collects the body, then goes on as a task.
    func write(_ call: FrontCall, _ exchange: HTTPExchange) throws(Status) {
        // Nothing is written for a client that cannot be told so.
        _ = try call.format(served.definition)
        exchange.collectBody(limit: Self.bodyLimit) { result in
            switch result {
            case .failure(let error): exchange.respond(Self.status(of: error), to: call.request)
            case .success(let body):
                api.memory.note(bytes: body.count)
                exchange.run {
                    let notes = AdmissionNotes()
                    call.audit?.gather(notes)
                    do throws(Status) {
                        try await perform(call, body, exchange, notes)
                    } catch {
                        exchange.respond(error, to: call.request, warnings: notes.warnings)
                    }
                }
            }
        }
    }

    private static func status(of error: HTTPBodyError) -> Status {
        // A body that stalls has used up the time that its request had.
        if error == .timedOut { return .late }
        guard error.status == .contentTooLarge else {
            return Status(code: error.status.code, reason: .badRequest, message: "the request body was cut short")
        }
        return Status(
            code: 413, reason: .requestEntityTooLarge,
            message: "Request entity too large: limit is \(bodyLimit)")
    }

    private func perform(
        _ call: FrontCall, _ body: [UInt8], _ exchange: HTTPExchange, _ notes: AdmissionNotes
    ) async throws(Status) {
        var apiCall = Verbs.Call(
            user: call.user, target: call.target, creationRefusal: call.creationRefusal, notes: notes)
        switch call.info.verb {
        case "create":
            let object = try object(call, body, "CreateOptions", &apiCall)
            try respond(try await api.create(apiCall, object), call, exchange, notes)
        case "update":
            let object = try object(call, body, "UpdateOptions", &apiCall)
            try respond(try await api.update(apiCall, object), call, exchange, notes)
        case "patch":
            try Patch.check(call.contentType, isCustom: served.custom != nil)
            (apiCall.options, apiCall.fieldValidation) = try call.writeOptions("PatchOptions")
            call.audit?.patched(body)
            let patch = try patch(call, body, &apiCall)
            try respond(try await api.patch(apiCall, patch), call, exchange, notes)
        case "delete":
            let options = try deletionOptions(call, body)
            try respond(try await api.delete(apiCall, options), call, exchange, notes)
        case "deletecollection": try await deleteCollection(call, apiCall, try deletionOptions(call, body), exchange)
        default: throw .methodNotAllowed(call.info.verb, call.target.resource)
        }
    }

    private func respond(
        _ answer: Verbs.Answer, _ call: FrontCall, _ exchange: HTTPExchange, _ notes: AdmissionNotes
    ) throws(Status) {
        try respond(
            answer.object, answer.isCreated ? .created : .ok, call, exchange,
            warnings: answer.warnings + notes.warnings)
    }

    // MARK: Deleting

    private func respond(
        _ deletion: ResourceStore.Deletion, _ call: FrontCall, _ exchange: HTTPExchange, _ notes: AdmissionNotes
    ) throws(Status) {
        switch deletion {
        case .marked(let object): try respond(served.show(object), .ok, call, exchange, warnings: notes.warnings)
        case .removed(let object):
            if Self.answersWithObject.contains(call.target.resource.groupResource) {
                return try respond(served.show(object), .ok, call, exchange, warnings: notes.warnings)
            }
            let resource = call.target.resource
            let success: Value = [
                "apiVersion": "v1", "kind": "Status", "metadata": .emptyObject, "status": "Success",
                "details": Value([
                    "name": object.name, "kind": resource.resource, "uid": object.uid,
                ].merging(resource.group.isEmpty ? [:] : ["group": resource.group]) { $1 }),
            ]
            call.audit?.answered(success, code: 200)
            exchange.respond(success, .ok, to: call.request, warnings: notes.warnings)
        }
    }

    /// Kinds whose deletion returns the object although it is gone, as in Kubernetes.
    static let answersWithObject: Set<String> = [
        "pods", "persistentvolumes", "persistentvolumeclaims", "serviceaccounts", "services", "podtemplates",
        "replicationcontrollers", "resourcequotas", "storageclasses.storage.k8s.io",
        "volumeattachments.storage.k8s.io", "csidrivers.storage.k8s.io", "csinodes.storage.k8s.io",
    ]

    private func deleteCollection(
        _ call: FrontCall, _ apiCall: Verbs.Call, _ options: DeletionOptions, _ exchange: HTTPExchange
    ) async throws(Status) {
        guard let store = served.store else { throw .methodNotAllowed("deletecollection", call.target.resource) }
        let request = try listRequest(call)
        var page: ResourceStore.Page
        if let present = try store.listPresent(request) {
            page = present
        } else {
            page = try await store.listPast(request)
        }
        try await show(&page, request.filter)
        for object in page.items {
            var one = apiCall
            one.target = Target(call.target.resource, object.objectName)
            one.isOfCollection = true
            do throws(Status) {
                _ = try await api.delete(one, options)
            } catch {
                guard error.isNotFound else { throw error }
            }
        }
        try await answer(page, call, exchange)
    }

    /// From the body (`meta/v1.DeleteOptions`), or from the query.
    private func deletionOptions(_ call: FrontCall, _ body: [UInt8]) throws(Status) -> DeletionOptions {
        let value = body.isEmpty ? Value.emptyObject : try parse(call, body, "DeleteOptions").value
        if !body.isEmpty { call.audit?.requested(value) }
        try Self.checkOptions(value)
        var options = DeletionOptions()
        let asked = try call.query.number("gracePeriodSeconds")
        let grace = value["gracePeriodSeconds"]?.integer ?? asked
        // Kubernetes takes a negative period for the shortest.
        options.gracePeriodSeconds = grace.map { $0 < 0 ? 1 : Int($0) }
        let propagation = value["propagationPolicy"]?.string ?? call.query["propagationPolicy"] ?? ""
        let policy = propagation.isEmpty ? nil : propagation
        let orphans = value["orphanDependents"]?.bool ?? call.query.statedFlag("orphanDependents")
        let dryRun = (value["dryRun"]?.array ?? []).compactMap(\.string) + call.dryRun
        try OptionRules.checkDeletion(dryRun: dryRun, propagationPolicy: policy, orphanDependents: orphans)
        options.propagation = OptionRules.propagation(policy, orphanDependents: orphans)
        options.preconditionUID = value.at("preconditions", "uid")?.string
        options.preconditionVersion = value.at("preconditions", "resourceVersion")?.string
        options.isDryRun = !dryRun.isEmpty
        return options
    }

    /// Whoever sends something else, or `dryRun` as a text, did not mean to delete.
    private static func checkOptions(_ value: Value) throws(Status) {
        guard !value.isNull else { return }
        let name = "DeleteOptions"
        let kind = GroupVersionKind(apiVersion: value["apiVersion"]?.string ?? "v1", kind: value["kind"]?.string ?? name)
        guard kind.kind == name || kind.kind.isEmpty else {
            throw .badRequest(
                "\(kind.kind) in version \"\(kind.version)\" cannot be handled as a \(name): no kind "
                    + "\"\(kind.kind)\" is registered for version \"\(kind.apiVersion)\"")
        }
        do throws(DecodingError) {
            _ = try ProtobufForm.metaType(name)?.decode(value)
        } catch {
            throw .cannotHandle(GroupVersionKind(group: "", version: kind.version, kind: name), "\(error)")
        }
    }

    // MARK: Reading bodies

    private func patch(
        _ call: FrontCall, _ body: [UInt8], _ apiCall: inout Verbs.Call
    ) throws(Status) -> Patch {
        guard call.isApply else {
            return try Patch(call.contentType, body, problems: &apiCall.bodyProblems.found)
        }
        return .apply(try configuration(body, apiCall), force: call.force ?? false)
    }

    /// Reads what is applied. A key that is there twice is refused, or warned of, as the request says.
    private func configuration(_ body: [UInt8], _ apiCall: Verbs.Call) throws(Status) -> Value {
        var duplicates: [YAMLError] = []
        let value: Value
        do throws(YAMLError) {
            value = try YAML.document(body, duplicateKeys: &duplicates)
        } catch {
            throw .badRequest("error decoding YAML: \(error)")
        }
        let lines = duplicates.map { "line \($0.line): \($0.reason)" }
        switch apiCall.fieldValidation {
        case .strict where !lines.isEmpty:
            throw .badRequest(
                "error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  "
                    + lines.joined(separator: "\n  "))
        case .warn: for line in lines { apiCall.notes.warn(line) }
        case .strict, .ignore: break
        }
        return value
    }

    /// The object of a create or update, and its options; `options` is their kind.
    private func object(
        _ call: FrontCall, _ body: [UInt8], _ options: String, _ apiCall: inout Verbs.Call
    ) throws(Status) -> Value {
        (apiCall.options, apiCall.fieldValidation) = try call.writeOptions(options)
        let definition = served.definition
        let subresource = call.target.subresource.flatMap { definition.subresource($0) }
        let parsed = try parse(call, body, subresource?.kind.kind ?? definition.kind)
        apiCall.bodyProblems = parsed.problems
        call.audit?.requested(parsed.value)
        return parsed.value
    }

    /// Reads a body that should hold an object of this kind.
    private func parse(
        _ call: FrontCall, _ body: [UInt8], _ kind: String
    ) throws(Status) -> (value: Value, problems: BodyProblems) {
        switch call.contentType {
        case "application/json", "":
            var duplicates: [String] = []
            do throws(JSONError) {
                let value = try Value(json: body, duplicateFields: &duplicates)
                let found = duplicates.map { FieldProblem.duplicate($0).description }
                return (value, BodyProblems(found: found, json: body))
            } catch {
                throw .unrecognized(kind, "couldn't get version/kind; json parse error: \(error.reason)", body)
            }
        case "application/yaml":
            var duplicates: [YAMLError] = []
            do throws(YAMLError) {
                let value = try YAML.document(body, duplicateKeys: &duplicates)
                // In YAML it is a key of a line that is given twice, and all of them are one problem.
                let lines = duplicates.map { "\n  line \($0.line): \($0.reason)" }
                return (value, BodyProblems(found: lines.isEmpty ? [] : ["yaml: unmarshal errors:" + lines.joined()]))
            } catch {
                throw .unrecognized(kind, "couldn't get version/kind; \(error)", body)
            }
        case ProtobufEnvelope.mediaType:
            do throws(ProtobufError) {
                return (try ProtobufForm.decode(body), BodyProblems())
            } catch {
                throw .unrecognized(kind, "\(error)", body)
            }
        default:
            throw .unsupportedMediaType(["application/json", "application/yaml", ProtobufEnvelope.mediaType])
        }
    }
}

extension Status {
    /// The 400 answer to a body in which no object is found. A part of the body is quoted.
    static func unrecognized(_ kind: String, _ why: String, _ body: [UInt8]) -> Status {
        let shown = 30
        let ending = body.count > shown ? " ..." : ""
        let summary =
            switch body.first {
            case nil: "<empty>"
            case UInt8(ascii: "{"): String(decoding: body.prefix(shown), as: UTF8.self) + ending
            default: Hex.encode(Array(body.prefix(shown))) + ending
            }
        return .badRequest("the object provided is unrecognized (must be of type \(kind)): \(why) (\(summary))")
    }

    /// The 415 answer, which names what would be understood.
    static func unsupportedMediaType(_ accepted: [String]) -> Status {
        Status(
            code: 415, reason: .unsupportedMediaType,
            message: "the body of the request was in an unknown format - accepted media types include: "
                + accepted.joined(separator: ", "))
    }
}

extension FrontCall {
    /// The body's media type, without parameters.
    var contentType: String { HTTPFieldValue.parameters(request.headers["Content-Type"] ?? "").first ?? "" }
}
