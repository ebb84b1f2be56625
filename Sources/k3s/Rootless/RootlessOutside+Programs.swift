import Host
import Supervisor
import Support

extension RootlessOutside {
    /// Who is who within, for newuidmap and newgidmap.
    struct IDMaps {
        let users: [String]
        let groups: [String]

        /// Of this user, from what the administrator gave him.
        init() throws(Fault) {
            let (user, group) = (Machine.effectiveUserID, Machine.effectiveGroupID)
            let name = Machine.account(ofUser: user)?.name ?? "\(user)"
            func ids(_ file: String) throws(Fault) -> SubordinateIDs {
                let text = Files.exists(file) ? try Files.readText(file) : ""
                let ids = SubordinateIDs(file: text, name: name, id: user)
                guard !ids.ranges.isEmpty else {
                    throw Fault(
                        .notFound, "\(file) gives \(name) no ids for containers",
                        remedy: "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 \(name)"
                    )
                }
                return ids
            }
            users = try ids("/etc/subuid").map(own: user)
            groups = try ids("/etc/subgid").map(own: group)
        }
    }

    /// Programs that do what takes more rights, or other skills, than ours.
    struct Programs {
        private let userMap: String
        private let groupMap: String
        private let slirp: String
        private let environment: [String: String]

        init(path: String) throws(Fault) {
            var environment = Command.ownEnvironment
            environment["PATH"] = path
            self.environment = environment
            func find(_ name: String, in package: String) throws(Fault) -> String {
                do throws(Fault) { return try Command(name, environment: environment).locate() } catch {
                    throw Fault(
                        error.code, error.summary, remedy: "install it: sudo apt-get install \(package)",
                        cause: error.cause)
                }
            }
            userMap = try find("newuidmap", in: "uidmap")
            groupMap = try find("newgidmap", in: "uidmap")
            slirp = try find("slirp4netns", in: "slirp4netns")
        }

        // newuidmap PID 0 1000 1 1 100000 65536
        /// Writes the maps of the namespace that a process is the first in.
        func give(_ maps: IDMaps, to process: Int32) async throws(Fault) {
            for (program, map) in [(userMap, maps.users), (groupMap, maps.groups)] {
                let output = try await Command(program, ["\(process)"] + map, environment: environment).run()
                guard output.status.isSuccess else {
                    let reason =
                        output.errorText.split(separator: "\n").first.map(String.init) ?? "\(output.status)"
                    throw Fault(.denied, "the ids of the namespace cannot be set: \(reason)")
                }
            }
        }

        // slirp4netns --configure --mtu=65520 --cidr=10.41.0.0/16 --ready-fd=3 PID tap0
        /// Connects the network of a process, for as long as the program runs that is returned. What it
        /// prints goes to `log`.
        func connect(
            _ process: Int32, _ settings: RootlessSettings, log: String
        ) async throws(Fault) -> ChildProcess {
            try Files.remove(log)
            let file = try Files.openForAppending(log, mode: 0o600)
            var command = Command(slirp, settings.slirpArguments(process: process), environment: environment)
            (command.output, command.errors) = (.descriptor(file), .descriptor(file))
            command.parentDeathSignal = .kill
            do throws(Fault) { return try await command.startUntilReady() } catch {
                let said = ((try? Files.readText(log)) ?? "").split(separator: "\n").suffix(2).map {
                    ": \($0)"
                }
                throw Fault(
                    error.code, error.summary + said.joined(), remedy: "see \(log)", cause: error.cause)
            }
        }
    }
}
