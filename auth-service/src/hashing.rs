//! The pool in which passwords are hashed: bounded in threads, memory and waiting, so that a flood of sign-ins is
//! refused quickly and slows nobody else down.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;
use std::{fmt, io, thread};

use argon2::password_hash;
use deadline::Deadline;
use telemetry::{Refusal, SignIns};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::argon2id::{self, Comparison, Memory, StoredHashError};
use crate::config::HashingLimits;
use crate::domain::password::Password;
use crate::domain::user::PasswordHash;

/// Why a password was not hashed or compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HashingError {
    /// Too many are waiting, or this one waited too long. Try again later.
    #[error("too many passwords are waiting to be hashed")]
    Busy,
    /// The hash function refused to work.
    #[error("hashing failed: {0}")]
    Hash(password_hash::Error),
}

/// A place in the pool or in its queue. It is taken before anything is looked up, so that a refusal says nothing
/// about any user, and moves into the work, so that it is given back when the work is really over.
#[derive(Debug)]
pub(crate) struct Place(#[expect(dead_code, reason = "given back when dropped")] OwnedSemaphorePermit);

/// What a sign-in's comparison gave.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Not this user's password, or no such user.
    Wrong,
    /// Nobody's password: the stored hash was not made here. The work of a comparison was done all the same.
    Unusable(StoredHashError),
    /// The user's password.
    Right {
        /// A stronger hash to store instead.
        stronger: Option<PasswordHash>,
    },
}

type Work = Box<dyn FnOnce(&mut Memory) + Send>;

/// Hashes passwords on threads of its own, which end when it is dropped.
pub(crate) struct HashingPool {
    places: Arc<Semaphore>,
    work: mpsc::Sender<Work>,
    deadline: Duration,
    /// Compared with when there is no such user: the same work, the same time.
    nobody: Arc<PasswordHash>,
    sign_ins: SignIns,
}

impl HashingPool {
    /// Starts the threads. Hashes and refusals are counted in `sign_ins`.
    ///
    /// # Errors
    /// The operating system gave no thread, or hashing does not work at all.
    pub(crate) fn start(limits: HashingLimits, sign_ins: SignIns) -> io::Result<Self> {
        let (work, waiting) = mpsc::channel::<Work>();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..limits.workers {
            let waiting = Arc::clone(&waiting);
            thread::Builder::new()
                .name("hashing".to_owned())
                .spawn(move || serve(&waiting))?;
        }
        let nobody = Password::parse("nobody").map_err(io::Error::other)?;
        let nobody = argon2id::hash(&nobody, &mut Memory::default());
        Ok(Self {
            places: Arc::new(Semaphore::new(limits.workers + limits.queue)),
            work,
            deadline: limits.deadline,
            nobody: Arc::new(nobody.map_err(|error| io::Error::other(error.to_string()))?),
            sign_ins,
        })
    }

    /// A place, or a refusal at once.
    ///
    /// # Errors
    /// `Busy`.
    pub(crate) fn admit(&self) -> Result<Place, HashingError> {
        Arc::clone(&self.places)
            .try_acquire_owned()
            .map(Place)
            .map_err(|_| self.busy())
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`HashingError`]
    pub(crate) async fn hash(&self, place: Place, password: Password) -> Result<PasswordHash, HashingError> {
        self.run(place, move |memory| argon2id::hash(&password, memory))
            .await?
            .map_err(HashingError::Hash)
    }

    /// Does work that belongs to the hash for which the place was taken, and takes as much of a core: judging a password.
    /// Gives the place back for the hash.
    ///
    /// # Errors
    /// [`HashingError`]
    pub(crate) async fn prepare<T: Send + 'static>(
        &self,
        place: Place,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<(Place, T), HashingError> {
        self.queue(move |_| {
            let done = work();
            (place, done)
        })
        .await
    }

    /// Compares a password with a user's hash, or does the same work for nobody.
    ///
    /// # Errors
    /// [`HashingError`]
    pub(crate) async fn compare(
        &self,
        place: Place,
        password: Password,
        stored: Option<PasswordHash>,
    ) -> Result<Verdict, HashingError> {
        let nobody = Arc::clone(&self.nobody);
        self.run(place, move |memory| {
            let compared = stored.map(|stored| argon2id::compare(&password, &stored, memory));
            let verdict = match compared {
                Some(Ok(Comparison::Equal)) => Verdict::Right { stronger: None },
                Some(Ok(Comparison::EqualButWeak)) => {
                    let stronger = argon2id::hash(&password, memory).map_err(HashingError::Hash)?;
                    Verdict::Right {
                        stronger: Some(stronger),
                    }
                }
                Some(Ok(Comparison::Differs)) => Verdict::Wrong,
                Some(Err(error)) => {
                    let _the_same_work = argon2id::compare(&password, &nobody, memory);
                    Verdict::Unusable(error)
                }
                None => {
                    let _the_same_work = argon2id::compare(&password, &nobody, memory);
                    Verdict::Wrong
                }
            };
            Ok(verdict)
        })
        .await?
    }

    /// Runs work that has a place.
    async fn run<T: Send + 'static>(
        &self,
        place: Place,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, HashingError> {
        self.queue(move |memory| {
            let done = work(memory);
            drop(place);
            done
        })
        .await
    }

    /// Runs work that owns its place. It is skipped when its caller gives up, or its time is over (the pool's, or that of the
    /// call), before its turn.
    async fn queue<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, HashingError> {
        let (caller, answer) = oneshot::channel();
        let sign_ins = self.sign_ins.clone();
        let work = move |memory: &mut Memory| {
            if !caller.is_closed() {
                let done = work(memory);
                sign_ins.hashed(memory.take_hashes());
                let _ = caller.send(done);
            }
        };
        // Fails only when every worker is gone, which ends in the same answer.
        let _ = self.work.send(Box::new(work));
        let wait = Deadline::current().map_or(self.deadline, |call| call.remaining().min(self.deadline));
        match tokio::time::timeout(wait, answer).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(_)) | Err(_) => Err(self.busy()),
        }
    }

    fn busy(&self) -> HashingError {
        self.sign_ins.refused(Refusal::Hashing);
        HashingError::Busy
    }
}

impl fmt::Debug for HashingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashingPool")
            .field("places", &self.places.available_permits())
            .finish_non_exhaustive()
    }
}

/// One worker: takes work until the pool is gone.
fn serve(waiting: &Mutex<mpsc::Receiver<Work>>) {
    let mut memory = Memory::default();
    loop {
        // The lock is held while waiting, so that exactly one idle worker waits for the channel.
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = next else { return };
        // A panic is its caller's alone (the answer is dropped); the worker goes on.
        let _ = catch_unwind(AssertUnwindSafe(|| work(&mut memory)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(workers: usize, queue: usize) -> HashingPool {
        let limits = HashingLimits {
            workers,
            queue,
            deadline: Duration::from_secs(20),
        };
        HashingPool::start(limits, telemetry::Metrics::new().sign_ins("test")).unwrap()
    }

    fn password() -> Password {
        Password::parse("correct horse battery staple").unwrap()
    }

    #[tokio::test]
    async fn a_full_pool_refuses_at_once_and_takes_again_afterwards() {
        let pool = pool(1, 2);
        let places: Vec<Place> = (0..3).map(|_| pool.admit().unwrap()).collect();
        assert!(matches!(pool.admit(), Err(HashingError::Busy)));
        drop(places);
        pool.hash(pool.admit().unwrap(), password()).await.unwrap();
    }

    #[tokio::test]
    async fn a_place_is_kept_until_the_work_is_over_even_when_the_caller_gave_up() {
        let pool = pool(1, 0);
        let (started, has_started) = oneshot::channel();
        let (finish, finishes) = mpsc::channel::<()>();
        let place = pool.admit().unwrap();
        let mut work = Box::pin(pool.run(place, move |_| {
            started.send(()).unwrap();
            let _ = finishes.recv();
        }));
        tokio::select! {
            _ = &mut work => panic!("cannot be done yet"),
            started = has_started => started.unwrap(),
        }
        drop(work);
        assert!(pool.admit().is_err(), "the worker is still busy");
        finish.send(()).unwrap();
        while pool.admit().is_err() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn work_whose_caller_gave_up_is_skipped() {
        let pool = pool(1, 2);
        let (finish, finishes) = mpsc::channel::<()>();
        let mut first = Box::pin(pool.run(pool.admit().unwrap(), move |_| finishes.recv()));
        assert!(futures::poll!(first.as_mut()).is_pending());
        let (touched, is_touched) = mpsc::channel();
        let mut second = Box::pin(pool.run(pool.admit().unwrap(), move |_| touched.send(())));
        assert!(futures::poll!(second.as_mut()).is_pending());
        drop(second);
        finish.send(()).unwrap();
        let _ = first.await.unwrap();
        pool.run(pool.admit().unwrap(), |_| ()).await.unwrap();
        assert!(is_touched.try_recv().is_err(), "the second was never run");
    }

    #[tokio::test]
    async fn a_panic_is_its_callers_alone() {
        let pool = pool(1, 2);
        let panicked = pool.run(pool.admit().unwrap(), |_| panic!("as planned")).await;
        assert!(matches!(panicked, Err::<(), _>(HashingError::Busy)));
        pool.hash(pool.admit().unwrap(), password()).await.unwrap();
    }

    #[tokio::test]
    async fn waiting_ends_with_the_call_when_that_is_sooner() {
        let pool = pool(1, 2);
        let (finish, finishes) = mpsc::channel::<()>();
        let mut first = Box::pin(pool.run(pool.admit().unwrap(), move |_| finishes.recv()));
        assert!(futures::poll!(first.as_mut()).is_pending());
        let hash = pool.hash(pool.admit().unwrap(), password());
        let hash = Deadline::after(Duration::from_millis(20)).scope(hash);
        let late = tokio::time::timeout(Duration::from_secs(10), hash).await.unwrap();
        assert!(matches!(late, Err(HashingError::Busy)));
        finish.send(()).unwrap();
        let _ = first.await.unwrap();
        pool.run(pool.admit().unwrap(), |_| ()).await.unwrap();
        assert_eq!(pool.sign_ins.hashes(), 0, "it was skipped");
    }

    #[tokio::test]
    async fn a_comparison_costs_one_hash_whatever_it_finds() {
        let pool = pool(1, 2);
        let right = pool.hash(pool.admit().unwrap(), password()).await.unwrap();
        let absurd = PasswordHash::new(right.as_str().replace("m=19456", "m=4194304"));
        let mut hashes = pool.sign_ins.hashes();
        assert_eq!(hashes, 1);
        for (text, stored, expected) in [
            (
                "correct horse battery staple",
                Some(right.clone()),
                "Right { stronger: None }",
            ),
            ("wrong", Some(right), "Wrong"),
            ("wrong", None, "Wrong"),
            (
                "correct horse battery staple",
                Some(absurd),
                "Unusable(StoredHashError)",
            ),
            ("nobody", None, "Wrong"),
        ] {
            let password = Password::parse(text).unwrap();
            let verdict = pool
                .compare(pool.admit().unwrap(), password, stored)
                .await
                .unwrap();
            assert_eq!(format!("{verdict:?}"), expected);
            hashes += 1;
            assert_eq!(pool.sign_ins.hashes(), hashes, "{expected}");
        }
    }

    #[tokio::test]
    async fn nobody_has_no_password() {
        let pool = pool(1, 2);
        for text in ["nobody", "correct horse battery staple"] {
            let verdict = pool
                .compare(pool.admit().unwrap(), Password::parse(text).unwrap(), None)
                .await
                .unwrap();
            assert!(matches!(verdict, Verdict::Wrong), "{text}");
        }
    }
}
