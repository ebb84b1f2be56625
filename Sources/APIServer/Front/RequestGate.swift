import APIMachinery
import Client
import Wire

/// Says of each request who sends it, whom it is taken for, and whether that user may do what it asks.
///
/// Most requests are decided upon at once. When somebody outside must be asked, ``look(_:)`` says so and decides nothing;
/// ``ask(_:)`` then decides, and may take its time.
struct RequestGate: Sendable {
    let authenticator: any Authenticator
    let authorizer: any Authorizer
    let figures: GateFigures

    /// What becomes of a request.
    enum Passage: Sendable {
        case open(FrontCall)
        /// The answer, and what was known of the request when it was refused.
        case closed(Status, FrontCall?)
        case pending
    }

    // MARK: At once

    func look(_ request: HTTPRequest) -> Passage {
        var entry = GateFigures.Entry()
        let passage = look(request, &entry)
        // What is pending begins anew.
        if case .pending = passage { return passage }
        figures.note(entry, request)
        return passage
    }

    private func look(_ request: HTTPRequest, _ entry: inout GateFigures.Entry) -> Passage {
        var call: FrontCall?
        do throws(Status) {
            guard let sender = try authenticator.authenticate(request) else { return .pending }
            entry.authenticated(sender)
            var known = FrontCall(request, sender)
            call = known
            if let impersonation = try Impersonation(request.headers) {
                guard let way = try lookForWay(impersonation.ways(for: sender, doing: known.info)) else { return .pending }
                known.act(by: way)
                call = known
            }
            entry.asks()
            for access in known.access {
                let decision = authorizer.decide(access)
                if decision == .pending { return .pending }
                entry.decided(decision)
                known.reason = try Self.reason(decision, access)
            }
            if let creation = known.creation {
                let decision = authorizer.decide(creation)
                if decision == .pending { return .pending }
                known.note(decision, creation)
            }
            return .open(known)
        } catch {
            return .closed(error, call)
        }
    }

    /// The first way that is allowed; `nil` when somebody must be asked. Refuses as the way of old is refused.
    private func lookForWay(_ ways: [ImpersonationWay]) throws(Status) -> ImpersonationWay? {
        var refusal = Status.unauthorized
        for way in ways {
            do throws(Status) {
                for access in way.access {
                    let decision = authorizer.decide(access)
                    if decision == .pending { return nil }
                    _ = try Self.reason(decision, access)
                }
                return way
            } catch {
                refusal = error
            }
        }
        throw refusal
    }

    // MARK: Whatever it takes

    /// Never `pending`.
    func ask(_ request: HTTPRequest) async -> Passage {
        var entry = GateFigures.Entry()
        let passage = await ask(request, &entry)
        figures.note(entry, request)
        return passage
    }

    private func ask(_ request: HTTPRequest, _ entry: inout GateFigures.Entry) async -> Passage {
        var call: FrontCall?
        do throws(Status) {
            let sender = try await authenticator.askWho(request)
            entry.authenticated(sender)
            var known = FrontCall(request, sender)
            call = known
            if let impersonation = try Impersonation(request.headers) {
                known.act(by: try await askForWay(impersonation.ways(for: sender, doing: known.info)))
                call = known
            }
            entry.asks()
            for access in known.access {
                let decision = await authorizer.ask(access)
                entry.decided(decision)
                known.reason = try Self.reason(decision, access)
            }
            if let creation = known.creation { known.note(await authorizer.ask(creation), creation) }
            return .open(known)
        } catch {
            return .closed(error, call)
        }
    }

    private func askForWay(_ ways: [ImpersonationWay]) async throws(Status) -> ImpersonationWay {
        var refusal = Status.unauthorized
        for way in ways {
            do throws(Status) {
                for access in way.access { _ = try Self.reason(await authorizer.ask(access), access) }
                return way
            } catch {
                refusal = error
            }
        }
        throw refusal
    }

    fileprivate static func reason(_ decision: AccessDecision, _ access: AccessRequest) throws(Status) -> String {
        switch decision {
        case .allow(let reason): return reason
        case .deny(let reason), .noOpinion(let reason): throw .forbidden(access, reason: reason)
        case .failed(let why, _): throw .undecided(access, why)
        case .pending: preconditionFailure("an authoriser that was asked must answer")
        }
    }
}

extension FrontCall {
    /// Goes on in another's name.
    fileprivate mutating func act(by way: ImpersonationWay) {
        user = way.user
        constraint = way.constraint
    }

    /// What the user must be allowed.
    fileprivate var access: [AccessRequest] {
        let access = AccessRequest(user: user, info)
        // A WebSocket begins with GET, but a command is more than reading (Kubernetes 1.35).
        guard access.verb == "get", access.resource == "pods", access.group.isEmpty,
            ["attach", "exec", "portforward"].contains(access.subresource)
        else { return [access] }
        var command = access
        command.verb = "create"
        return [access, command]
    }

    /// What a user must be allowed besides whose apply or replacement finds nothing and creates.
    fileprivate var creation: AccessRequest? {
        guard isApply || info.verb == "update", info.subresource.isEmpty else { return nil }
        var access = AccessRequest(user: user, info)
        access.verb = "create"
        return access
    }

    /// Keeps the answer to a creation that is not allowed until it is known whether there is one.
    fileprivate mutating func note(_ decision: AccessDecision, _ access: AccessRequest) {
        do throws(Status) {
            _ = try RequestGate.reason(decision, access)
        } catch {
            creationRefusal = error
        }
    }
}
