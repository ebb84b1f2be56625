import API
import APIMachinery
import Client
import Wire

/// A request with what was read from it.
struct FrontCall: Sendable {
    let request: HTTPRequest
    let query: HTTPQuery
    /// Who sent it.
    let sender: User
    /// In whose name it goes on: the sender's, or another's whom the sender may act as.
    var user: User
    /// What acting as another was limited by; empty when it was not.
    var constraint = ""
    /// Why it was allowed.
    var reason = ""
    let info: RequestInfo
    /// The answer to a change of what does not exist, if the user may not create it.
    var creationRefusal: Status?
    /// What is written down of the request, if anything is.
    var audit: AuditTrail?
    /// The seat of a watch that begins.
    var opening: WatchOpening?

    init(_ request: HTTPRequest, _ user: User) {
        self.request = request
        sender = user
        self.user = user
        query = request.query
        let isWatch = query.flag("watch")
        var info = RequestInfo(
            method: request.method.rawValue, path: request.path, isWatch: isWatch,
            fieldName: query["fieldSelector"].flatMap(FieldSelector.name))
        if info.isResourceRequest, AccessSelectors.verbs.contains(info.verb) {
            info.selectors = AccessSelectors(
                fields: query["fieldSelector"] ?? "", labels: query["labelSelector"] ?? "")
        }
        self.info = info
    }

    /// What the URL names. A name that only the field selector gives is not part of it.
    var target: Target {
        guard let resource = info.resource else { preconditionFailure("a plain path names no resource") }
        let isCollection = ["list", "watch", "deletecollection"].contains(info.verb)
        return Target(
            resource, namespace: resource.resource == "namespaces" ? "" : info.namespace,
            name: isCollection ? "" : info.name, subresource: info.subresource.isEmpty ? nil : info.subresource)
    }

    /// The form of the answer; 406 when there is none that the client takes.
    func format(_ definition: ResourceDefinition, isStream: Bool = false) throws(Status) -> ResponseFormat {
        let accepted = ResponseFormat(
            accept: request.headers["Accept"], hasProtobuf: definition.hasProtobuf,
            hasTable: definition.hasTable(of: info.subresource), isStream: isStream)
        guard var format = accepted else { throw isStream ? .notAcceptableStream : .notAcceptable }
        if format.shape == .table { format.tableContent = try tableContent }
        if format.encoding == .json, !isStream, isPretty { format.isPretty = true }
        return format
    }

    private var tableContent: ResponseFormat.TableContent {
        get throws(Status) {
            guard let text = query["includeObject"], !text.isEmpty else { return .metadata }
            guard let content = ResponseFormat.TableContent(rawValue: text) else {
                throw .invalid(
                    GroupVersionKind(group: "meta.k8s.io", version: "v1", kind: "TableOptions"), "",
                    [
                        .invalid(
                            "includeObject", value: .string(text),
                            "must be 'Metadata', 'Object', 'None', or empty")
                    ])
            }
            return content
        }
    }

    /// Asked for, or sent from what people type into: as in Kubernetes, those programs get JSON that reads well.
    private var isPretty: Bool {
        if let asked = query["pretty"], !asked.isEmpty { return ["1", "t", "T", "true", "TRUE", "True"].contains(asked) }
        guard let agent = request.headers["User-Agent"] else { return false }
        return agent.hasPrefix("curl") || agent.hasPrefix("Wget") || agent.hasPrefix("Mozilla/5.0")
    }

    /// The query's `resourceVersion`; `nil` when there is none.
    var revision: Int64? {
        get throws(Status) {
            guard let text = query["resourceVersion"], !text.isEmpty else { return nil }
            guard let revision = Int64(text), revision >= 0 else {
                throw .badRequest("resourceVersion: Invalid value: \"\(text)\": must be a non-negative number")
            }
            return revision
        }
    }

    /// The query's part of `meta/v1.CreateOptions`, `UpdateOptions` and `PatchOptions`; `kind` names them in errors.
    ///
    /// A client that does not name itself as the manager is known by its program.
    func writeOptions(_ kind: String) throws(Status) -> (options: WriteOptions, validation: FieldValidation) {
        let write = OptionRules.Write(
            kind: kind, dryRun: dryRun, fieldValidation: query["fieldValidation"] ?? "",
            fieldManager: query["fieldManager"] ?? "", force: force, isApply: isApply)
        try OptionRules.check(write)
        let manager =
            write.fieldManager.isEmpty ? ManagerName.program(request.headers["User-Agent"]) : write.fieldManager
        let options = WriteOptions(isDryRun: !dryRun.isEmpty, fieldManager: manager)
        return (options, FieldValidation(rawValue: write.fieldValidation) ?? .warn)
    }

    /// Whether this is a server-side apply.
    var isApply: Bool { info.verb == "patch" && contentType == Patch.applyType }

    /// Whether an apply shall settle conflicts; `nil` when nothing is said.
    var force: Bool? { query.statedFlag("force") }

    var dryRun: [String] { query.values(of: "dryRun") }
}

extension ResourceDefinition {
    /// Whether objects of this kind have a protobuf form: those of the built-in kinds have.
    var hasProtobuf: Bool { type.map { BuiltinTypes.kubernetes.type(named: $0.name) == $0 } ?? false }

    /// Whether what the subresource, or the resource if it is empty, answers with can be shown as rows: what is read, not
    /// what is only posted.
    func hasTable(of subresource: String) -> Bool {
        (subresource.isEmpty ? verbs : self.subresource(subresource)?.verbs ?? []).contains { $0 != "create" }
    }
}
