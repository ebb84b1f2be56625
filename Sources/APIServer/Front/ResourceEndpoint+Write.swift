import APIMachinery
import Client
import Wire

extension ResourceEndpoint {
    /// Creates, updates, patches or deletes: collects the body, then goes on as a task.
    func write(_ call: FrontCall, _ exchange: HTTPExchange) {
        exchange.collectBody(limit: Self.bodyLimit) { result in
            switch result {
            case .failure(let error): exchange.respond(Self.status(of: error))
            case .success(let body):
                exchange.run {
                    do throws(Status) {
                        try await perform(call, body, exchange)
                    } catch {
                        exchange.respond(error)
                    }
                }
            }
        }
    }

    private static func status(of error: HTTPBodyError) -> Status {
        guard error.status == .contentTooLarge else {
            return Status(code: error.status.code, reason: .badRequest, message: "the request body was cut short")
        }
        return Status(
            code: 413, reason: .requestEntityTooLarge,
            message: "Request entity too large: limit is \(bodyLimit)")
    }

    private func perform(_ call: FrontCall, _ body: [UInt8], _ exchange: HTTPExchange) async throws(Status) {
        var apiCall = Verbs.Call(user: call.user, target: call.target)
        apiCall.options = try call.writeOptions
        apiCall.fieldValidation = try fieldValidation(call)
        switch call.info.verb {
        case "create":
            let answer = try await api.create(apiCall, try object(call, body, &apiCall))
            try respond(answer, call, exchange)
        case "update":
            try respond(try await api.update(apiCall, try object(call, body, &apiCall)), call, exchange)
        case "patch":
            try respond(try await api.patch(apiCall, try Patch(call.contentType, body)), call, exchange)
        case "delete":
            let options = try deletionOptions(call, body)
            try respond(try await api.delete(apiCall, options), call, exchange)
        case "deletecollection": try await deleteCollection(call, apiCall, try deletionOptions(call, body), exchange)
        default: throw .methodNotAllowed(call.info.verb, call.target.resource)
        }
    }

    private func respond(_ answer: Verbs.Answer, _ call: FrontCall, _ exchange: HTTPExchange) throws(Status) {
        try respond(answer.object, answer.isCreated ? .created : .ok, call, exchange, warnings: answer.warnings)
    }

    // MARK: Deleting

    private func respond(
        _ deletion: ResourceStore.Deletion, _ call: FrontCall, _ exchange: HTTPExchange
    ) throws(Status) {
        let served = try api.served(call.target.resource)
        switch deletion {
        case .marked(let object): try respond(served.show(object), .ok, call, exchange)
        case .removed(let object):
            if Self.answersWithObject.contains(call.target.resource.resource) {
                return try respond(served.show(object), .ok, call, exchange)
            }
            let resource = call.target.resource
            let success: Value = [
                "apiVersion": "v1", "kind": "Status", "metadata": .emptyObject, "status": "Success",
                "details": Value([
                    "name": object.name, "kind": resource.resource, "uid": object.uid,
                ].merging(resource.group.isEmpty ? [:] : ["group": resource.group]) { $1 }),
            ]
            exchange.respond(.ok, ["Content-Type": "application/json"], success.json)
        }
    }

    /// Kinds whose deletion returns the object although it is gone, as in Kubernetes.
    private static let answersWithObject: Set<String> = [
        "pods", "persistentvolumes", "persistentvolumeclaims", "serviceaccounts", "services", "podtemplates",
        "replicationcontrollers", "resourcequotas", "storageclasses", "volumeattachments", "csidrivers", "csinodes",
    ]

    private func deleteCollection(
        _ call: FrontCall, _ apiCall: Verbs.Call, _ options: DeletionOptions, _ exchange: HTTPExchange
    ) async throws(Status) {
        let served = try api.served(call.target.resource)
        guard let store = served.store else { throw .methodNotAllowed("deletecollection", call.target.resource) }
        let request = try listRequest(call)
        let page: ResourceStore.Page
        if let present = try store.listPresent(request) {
            page = present
        } else {
            page = try await store.listPast(request)
        }
        for object in page.items {
            var one = apiCall
            one.target = Target(call.target.resource, object.objectName)
            do throws(Status) {
                _ = try await api.delete(one, options)
            } catch {
                guard error.isNotFound else { throw error }
            }
        }
        let encoder = ObjectEncoder(try call.format, served)
        exchange.respond(.ok, ["Content-Type": encoder.contentType], try encoder.encode(page))
    }

    /// From the body (`meta/v1.DeleteOptions`), or from the query.
    private func deletionOptions(_ call: FrontCall, _ body: [UInt8]) throws(Status) -> DeletionOptions {
        let value = body.isEmpty ? Value.emptyObject : try parse(call, body).value
        var options = DeletionOptions()
        let grace = value["gracePeriodSeconds"]?.integer ?? call.query["gracePeriodSeconds"].flatMap { Int64($0) }
        options.gracePeriodSeconds = grace.map(Int.init)
        if let text = value["propagationPolicy"]?.string ?? call.query["propagationPolicy"], !text.isEmpty {
            guard let propagation = DeletionOptions.Propagation(rawValue: text) else {
                throw .badRequest("propagationPolicy: Unsupported value: \"\(text)\"")
            }
            options.propagation = propagation
        } else if value["orphanDependents"] == .bool(true) || call.query["orphanDependents"] == "true" {
            options.propagation = .orphan
        }
        options.preconditionUID = value.at("preconditions", "uid")?.string
        options.preconditionRevision = value.at("preconditions", "resourceVersion")?.string.flatMap { Int64($0) }
        let dryRun = (value["dryRun"]?.array ?? []).compactMap(\.string)
        options.isDryRun = try call.writeOptions.isDryRun || dryRun.contains("All")
        return options
    }

    // MARK: Reading bodies

    private func fieldValidation(_ call: FrontCall) throws(Status) -> FieldValidation {
        guard let text = call.query["fieldValidation"], !text.isEmpty else { return .warn }
        guard let validation = FieldValidation(rawValue: text) else {
            throw .badRequest(
                "fieldValidation: Unsupported value: \"\(text)\": supported values: \"Ignore\", \"Strict\", \"Warn\"")
        }
        return validation
    }

    private func object(_ call: FrontCall, _ body: [UInt8], _ apiCall: inout Verbs.Call) throws(Status) -> Value {
        let parsed = try parse(call, body)
        apiCall.duplicateFields = parsed.duplicateFields
        return parsed.value
    }

    private func parse(
        _ call: FrontCall, _ body: [UInt8]
    ) throws(Status) -> (value: Value, duplicateFields: [String]) {
        switch call.contentType {
        case "application/json", "":
            var duplicates: [String] = []
            do throws(JSONError) {
                return (try Value(json: body, duplicateFields: &duplicates), duplicates)
            } catch {
                throw .badRequest("couldn't get version/kind; json parse error: \(error.reason)")
            }
        case "application/yaml":
            do throws(YAMLError) {
                return (try YAML.document(String(decoding: body, as: UTF8.self)), [])
            } catch {
                throw .badRequest("couldn't get version/kind; yaml parse error: \(error)")
            }
        case ProtobufEnvelope.mediaType: return (try ProtobufForm.decode(body), [])
        default:
            throw Status(
                code: 415, reason: .unsupportedMediaType,
                message: "the body of the request was in an unknown format - accepted media types include: "
                    + "application/json, application/yaml, application/vnd.kubernetes.protobuf")
        }
    }
}

extension FrontCall {
    /// The body's media type, without parameters.
    var contentType: String {
        let text = request.headers["Content-Type"] ?? ""
        return String(text.prefix { $0 != ";" }).trimmed
    }
}

extension String {
    fileprivate var trimmed: String { String(trimmingPrefix { $0 == " " }.reversed().trimmingPrefix { $0 == " " }.reversed()) }
}
