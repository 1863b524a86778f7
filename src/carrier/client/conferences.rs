//! Conferences and their participants: listen, whisper, barge, remove.

use super::{Client, calls::with_query, send::Ask};
use crate::carrier::{
    error::Error,
    request::{AddParticipant, ParticipantUpdate},
    sid::Sid,
    twilio::rest::{self, CONFERENCES, ConferenceRecord, PARTICIPANTS, ParticipantRecord},
};

impl Client {
    /// Looks up a conference.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is none; otherwise as every request.
    pub async fn fetch_conference(&self, conference: &Sid) -> Result<ConferenceRecord, Error> {
        let json = self.ask(Ask::get(self.resource(&[CONFERENCES, conference.as_str()]))).await?;
        rest::conference_record(&json).ok_or_else(|| Error::Unclear("the answer is no conference".into()))
    }

    /// The conferences of a name, newest first: the one that goes on, and earlier ones.
    ///
    /// # Errors
    /// As every request.
    pub async fn find_conferences(&self, name: &str) -> Result<Vec<ConferenceRecord>, Error> {
        let url = with_query(self.resource(&[CONFERENCES]), &rest::find_conference(name));
        self.list(url, "conferences", rest::conference_record).await
    }

    /// Ends a conference: everybody in it is sent on. One that is over or gone counts as ended.
    ///
    /// # Errors
    /// As every request.
    pub async fn end_conference(&self, conference: &Sid) -> Result<(), Error> {
        let url = self.resource(&[CONFERENCES, conference.as_str()]);
        gone_is_done(self.ask(Ask::post(url, rest::end_conference())).await.map(drop))
    }

    /// Dials somebody into a conference, named by its id or by the name we gave it; gives the participant's line.
    ///
    /// Like a create it is not repeated after a time-out or a 5xx.
    ///
    /// # Errors
    /// As every request.
    pub async fn add_participant(&self, conference: &str, participant: &AddParticipant) -> Result<Sid, Error> {
        let url = self.resource(&[CONFERENCES, conference, PARTICIPANTS]);
        let json = self.ask(Ask::post(url, rest::add_participant(participant))).await?;
        let record = rest::participant_record(&json);
        record.map(|record| record.call).ok_or_else(|| Error::Unclear("the answer is no participant".into()))
    }

    /// Changes what a participant may say and hear, or puts it on hold.
    ///
    /// # Errors
    /// [`Error::NotFound`] where it is not in the conference; otherwise as every request.
    pub async fn update_participant(
        &self,
        conference: &Sid,
        line: &Sid,
        update: &ParticipantUpdate,
    ) -> Result<(), Error> {
        let url = self.resource(&[CONFERENCES, conference.as_str(), PARTICIPANTS, line.as_str()]);
        self.ask(Ask::post(url, rest::update_participant(update))).await.map(drop)
    }

    /// Removes a participant; its line goes on with its next instruction. One that has left counts as removed.
    ///
    /// # Errors
    /// As every request.
    pub async fn remove_participant(&self, conference: &Sid, line: &Sid) -> Result<(), Error> {
        let url = self.resource(&[CONFERENCES, conference.as_str(), PARTICIPANTS, line.as_str()]);
        gone_is_done(self.ask(Ask::delete(url)).await.map(drop))
    }

    /// Who is in a conference; nobody once it has ended.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no such conference; otherwise as every request.
    pub async fn list_participants(&self, conference: &Sid) -> Result<Vec<ParticipantRecord>, Error> {
        let url = self.resource(&[CONFERENCES, conference.as_str(), PARTICIPANTS]);
        self.list(url, "participants", rest::participant_record).await
    }
}

fn gone_is_done(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(Error::NotFound) => Ok(()),
        other => other,
    }
}
