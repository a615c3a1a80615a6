//! Which methods of which services are forwarded, and where. What is not here does not exist for the outside.

use std::collections::HashMap;
use std::sync::Arc;

use crate::cookies::CookieRule;
use crate::upstream::Upstream;

/// A service that is forwarded.
#[derive(Debug, Clone)]
struct Route {
    /// Its full name.
    service: &'static str,
    methods: Methods,
    /// Methods whose response is a stream that stays open.
    long_lived: &'static [&'static str],
    /// Methods that have to do with the browser's cookies.
    cookies: &'static [(&'static str, CookieRule)],
}

/// Where a call goes.
#[derive(Debug)]
pub(crate) struct Way<'a> {
    pub(crate) upstream: &'a Arc<Upstream>,
    /// What it may do with the browser's cookies.
    pub(crate) cookies: CookieRule,
}

#[derive(Debug, Clone, Copy)]
enum Methods {
    All,
    Only(&'static [&'static str]),
}

/// The services of auth-service.
const AUTH: [Route; 2] = [
    Route {
        service: "invoiceapp.auth.v1.AuthService",
        methods: Methods::All,
        long_lived: &[],
        cookies: CookieRule::OF_AUTH_SERVICE,
    },
    // Engineers look into a token and read the keys with grpcurl, and both are answered to anyone who can
    // reach auth-service. Feeds between services stay inside.
    Route {
        service: "invoiceapp.auth.v1.TokenService",
        methods: Methods::Only(&["ValidateToken", "GetJwks"]),
        long_lived: &[],
        cookies: &[],
    },
];

/// The services of invoice-service.
const INVOICE: [Route; 3] = [
    Route {
        service: "invoiceapp.invoice.v1.CustomerService",
        methods: Methods::All,
        long_lived: &[],
        cookies: &[],
    },
    Route {
        service: "invoiceapp.invoice.v1.InvoiceService",
        methods: Methods::All,
        long_lived: &["WatchInvoices"],
        cookies: &[],
    },
    Route {
        service: "invoiceapp.invoice.v1.ProfileService",
        methods: Methods::All,
        long_lived: &[],
        cookies: &[],
    },
];

/// The way of every service that is forwarded.
#[derive(Debug, Clone)]
pub(crate) struct RouteTable {
    routes: HashMap<&'static str, (Route, Arc<Upstream>)>,
}

impl RouteTable {
    pub(crate) fn new(auth: &Arc<Upstream>, invoice: &Arc<Upstream>) -> Self {
        let to_auth = AUTH.into_iter().map(|route| (route, auth));
        let to_invoice = INVOICE.into_iter().map(|route| (route, invoice));
        let routes = to_auth
            .chain(to_invoice)
            .map(|(route, upstream)| (route.service, (route, Arc::clone(upstream))))
            .collect();
        Self { routes }
    }

    /// Where `path`, `/package.Service/Method`, goes; `None` when it is nobody's.
    pub(crate) fn find(&self, path: &str) -> Option<Way<'_>> {
        let (service, method) = path.strip_prefix('/')?.split_once('/')?;
        let (route, upstream) = self.routes.get(service)?;
        let is_name = !method.is_empty()
            && method
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let is_open = match route.methods {
            Methods::All => true,
            Methods::Only(names) => names.contains(&method),
        };
        let cookies = route.cookies.iter().find(|(name, _)| *name == method);
        (is_name && is_open).then_some(Way {
            upstream,
            cookies: cookies.map_or(CookieRule::NONE, |(_, rule)| *rule),
        })
    }

    /// Every service with its upstream.
    pub(crate) fn services(&self) -> impl Iterator<Item = (&'static str, &Arc<Upstream>)> {
        self.routes.iter().map(|(name, (_, upstream))| (*name, upstream))
    }

    /// The full names of the methods that stay open.
    pub(crate) fn long_lived(&self) -> impl Iterator<Item = String> {
        self.routes.values().flat_map(|(route, _)| {
            let of_route = |method: &&str| format!("/{}/{method}", route.service);
            route.long_lived.iter().map(of_route)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::RouteTable;
    use crate::cookies::CookieRule;
    use crate::upstream::Upstream;

    #[test]
    fn only_listed_services_and_methods_have_a_way() {
        let upstream = |name| Arc::new(Upstream::to_nowhere(name));
        let table = RouteTable::new(&upstream("auth-service"), &upstream("invoice-service"));
        let way = |path| table.find(path).map(|way| way.upstream.name());

        assert_eq!(way("/invoiceapp.auth.v1.AuthService/Login"), Some("auth-service"));
        assert_eq!(
            way("/invoiceapp.auth.v1.TokenService/GetJwks"),
            Some("auth-service")
        );
        assert_eq!(
            way("/invoiceapp.invoice.v1.InvoiceService/GetInvoice"),
            Some("invoice-service")
        );
        assert_eq!(
            way("/invoiceapp.invoice.v1.ProfileService/GetProfile"),
            Some("invoice-service")
        );
        for nobodys in [
            "/invoiceapp.auth.v1.TokenService/WatchRevocations",
            "/invoiceapp.auth.v1.authservice/Login",
            "/invoiceapp.auth.v1.AuthService",
            "/invoiceapp.auth.v1.AuthService/",
            "/invoiceapp.auth.v1.AuthService/Login/x",
            "/invoiceapp.auth.v1.AuthService/../x",
            "//invoiceapp.auth.v1.AuthService/Login",
            "/other.Service/Login",
            "/",
            "",
        ] {
            assert_eq!(way(nobodys), None, "{nobodys}");
        }
    }

    #[test]
    fn five_methods_have_to_do_with_cookies_and_they_exist() {
        let upstream = Arc::new(Upstream::to_nowhere("any"));
        let table = RouteTable::new(&upstream, &upstream);
        let mut with_cookies: Vec<_> = grpc_server::methods(&[proto::FILE_DESCRIPTOR_SET])
            .into_iter()
            .filter(|method| {
                let way = table.find(method);
                way.is_some_and(|way| way.cookies != CookieRule::NONE)
            })
            .collect();
        with_cookies.sort_unstable();
        let expected = ["ChangePassword", "Login", "Logout", "RefreshToken", "Register"];
        assert_eq!(
            with_cookies,
            expected.map(|name| format!("/invoiceapp.auth.v1.AuthService/{name}"))
        );
    }
}
