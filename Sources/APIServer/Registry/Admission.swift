import APIMachinery

/// A rule between authorisation and the log: it may complete an object, or refuse it.
///
/// A plug-in is a ``MutatingAdmission``, a ``ValidatingAdmission``, or both. It may suspend; one that finds nothing to do
/// returns at once.
protocol AdmissionPlugin: Sendable {
    /// As Kubernetes calls it, in flags and figures.
    var name: String { get }

    /// Whether requests for this resource, as it is stored or as it is served, can be of interest at all.
    ///
    /// Asked once for each resource: writes of a resource do not pay for the plug-ins of others.
    func concerns(_ resource: GroupVersionResource) -> Bool
}

extension AdmissionPlugin {
    var name: String { String(describing: Self.self) }
    func concerns(_ resource: GroupVersionResource) -> Bool { true }
}

/// A plug-in that may change what is to be written, before anything is validated.
protocol MutatingAdmission: AdmissionPlugin {
    /// Changes `request.object`, or refuses.
    func admit(_ request: inout AdmissionRequest) async throws(Status)
}

/// A plug-in that judges what will be written.
protocol ValidatingAdmission: AdmissionPlugin {
    /// Refuses, or lets pass.
    func validate(_ request: AdmissionRequest) async throws(Status)

    /// A request is over: written, refused, lost to another write, or a dry run. What ``validate(_:)`` noted down for it
    /// can go. Also called for requests that this plug-in did not come to judge.
    func forget(_ request: AdmissionRequest)
}

extension ValidatingAdmission {
    func forget(_ request: AdmissionRequest) {}
}

/// The plug-ins in Kubernetes' order (facts: `admission.order`): first all that change, then all that judge.
struct AdmissionChain: Sendable {
    let mutating: [any MutatingAdmission]
    let validating: [any ValidatingAdmission]
    /// How long they take, shared by all chains that come of one.
    let figures: AdmissionFigures
    /// Where the figures of the plug-ins are kept.
    private let places: (mutating: [Int], validating: [Int])

    init(plugins: [any AdmissionPlugin] = []) {
        self.init(
            plugins.compactMap { $0 as? any MutatingAdmission }, plugins.compactMap { $0 as? any ValidatingAdmission },
            AdmissionFigures(plugins.map(\.name)))
    }

    private init(
        _ mutating: [any MutatingAdmission], _ validating: [any ValidatingAdmission], _ figures: AdmissionFigures
    ) {
        self.mutating = mutating
        self.validating = validating
        self.figures = figures
        places = (mutating.map { figures.place(of: $0.name) }, validating.map { figures.place(of: $0.name) })
    }

    /// The plug-ins that have to do with a resource.
    func narrowed(to resource: GroupVersionResource) -> AdmissionChain {
        AdmissionChain(
            mutating.filter { $0.concerns(resource) }, validating.filter { $0.concerns(resource) }, figures)
    }

    var isEmpty: Bool { mutating.isEmpty && validating.isEmpty }

    func admit(_ request: inout AdmissionRequest) async throws(Status) {
        guard !mutating.isEmpty else { return }
        var run = AdmissionFigures.Run(.admit, request.operation)
        do throws(Status) {
            try await admit(&request, &run)
            // What a webhook or a policy changed, those before it see once more.
            if request.reinvocation.isNeeded || request.policyReinvocation.isNeeded {
                request.reinvocation.beginSecondRound()
                request.policyReinvocation.beginSecondRound()
                try await admit(&request, &run)
            }
        } catch {
            figures.count(run, isRejected: true)
            throw error
        }
        figures.count(run, isRejected: false)
    }

    private func admit(_ request: inout AdmissionRequest, _ run: inout AdmissionFigures.Run) async throws(Status) {
        for (plugin, place) in zip(mutating, places.mutating) {
            defer { run.passed(place) }
            try await plugin.admit(&request)
        }
    }

    func validate(_ request: AdmissionRequest) async throws(Status) {
        guard !validating.isEmpty else { return }
        var run = AdmissionFigures.Run(.validate, request.operation)
        do throws(Status) {
            for (plugin, place) in zip(validating, places.validating) {
                defer { run.passed(place) }
                try await plugin.validate(request)
            }
        } catch {
            figures.count(run, isRejected: true)
            throw error
        }
        figures.count(run, isRejected: false)
    }

    /// Says that a request is over, whatever came of it.
    func forget(_ request: AdmissionRequest) {
        for plugin in validating { plugin.forget(request) }
    }
}
